// A dialog with a form: fields, what went wrong, and two buttons.
import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle } from "@fluentui/react-components";
import { CheckmarkRegular } from "@fluentui/react-icons";
import type { FormEvent, ReactNode } from "react";

import { Failure } from "../shell/parts";
import { useTexts } from "../texts/texts";

interface Props {
  title: string;
  accept: string;
  ready: boolean;
  busy: boolean;
  error: unknown;
  submit: () => void;
  close: () => void;
  children: ReactNode;
}

export function FormDialog({ title, accept, ready, busy, error, submit, close, children }: Props) {
  const { t } = useTexts();
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !busy) submit();
  };
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && !busy && close()}>
      <DialogSurface aria-describedby={undefined}>
        <form onSubmit={onSubmit}>
          <DialogBody>
            <DialogTitle>{title}</DialogTitle>
            <DialogContent className="fields">
              {children}
              <Failure error={error} />
            </DialogContent>
            <DialogActions>
              <Button onClick={close} disabled={busy}>
                {t("common.cancel")}
              </Button>
              <Button appearance="primary" type="submit" icon={<CheckmarkRegular />} disabled={!ready || busy}>
                {accept}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
