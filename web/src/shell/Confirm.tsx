// Asks before something goes for good.
import { Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle } from "@fluentui/react-components";

import { useTexts } from "../texts/texts";

interface Props {
  title: string;
  text: string;
  close: () => void;
  accept: () => void;
}

export function Confirm({ title, text, close, accept }: Props) {
  const { t } = useTexts();
  const yes = () => {
    accept();
    close();
  };
  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{title}</DialogTitle>
          <DialogContent>{text}</DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={yes}>
              {t("common.yes")}
            </Button>
            <Button onClick={close}>{t("common.no")}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
