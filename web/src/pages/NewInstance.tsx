// Two pages: what it is called and where, then who runs it.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Input,
  Select,
} from "@fluentui/react-components";
import { ArrowLeftRegular, ArrowRightRegular, CheckmarkRegular } from "@fluentui/react-icons";
import { type FormEvent, useDeferredValue, useState } from "react";

import { useCreateInstance, useNameCheck } from "../api/arm";
import { useFacts, useSession } from "../api/session";
import { Failure } from "../shell/parts";
import { useTexts } from "../texts/texts";

export function NewInstanceDialog({ close }: { close: () => void }) {
  const { t } = useTexts();
  const session = useSession();
  const { subscriptionId } = useFacts();
  const [page, setPage] = useState(1);
  const [name, setName] = useState("");
  const [location, setLocation] = useState("local");
  const [publisherName, setPublisherName] = useState("");
  const [publisherEmail, setPublisherEmail] = useState(session.signedIn ? session.email : "");
  const checked = useDeferredValue(name);
  const check = useNameCheck(checked);
  const create = useCreateInstance();
  const isFree = check.data?.nameAvailable === true && checked === name;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (page === 1) {
      if (isFree) setPage(2);
      return;
    }
    create.mutate({ name, location, publisherName, publisherEmail }, { onSuccess: close });
  };
  const nameState = name === "" || !check.data ? "none" : isFree ? "success" : "error";
  const nameText = isFree ? t("newInstance.nameFree") : check.data?.message;
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface aria-describedby={undefined}>
        <form onSubmit={submit}>
          <DialogBody>
            <DialogTitle>{t("newInstance.title", { page })}</DialogTitle>
            <DialogContent className="fields">
              {page === 1 && (
                <>
                  <Field
                    label={t("instances.name")}
                    required
                    hint={t("newInstance.nameHint")}
                    validationState={nameState}
                    validationMessage={name === "" ? undefined : nameText}
                  >
                    <Input autoFocus value={name} onChange={(_, data) => setName(data.value.trim())} />
                  </Field>
                  <Field label={t("newInstance.subscription")}>
                    <Select defaultValue={subscriptionId}>
                      <option value={subscriptionId}>mlgate ({subscriptionId})</option>
                    </Select>
                  </Field>
                  <Field label={t("instances.region")} hint={t("newInstance.regionHint")}>
                    <Input value={location} onChange={(_, data) => setLocation(data.value)} />
                  </Field>
                </>
              )}
              {page === 2 && (
                <>
                  <Field label={t("newInstance.organization")} required>
                    <Input autoFocus value={publisherName} onChange={(_, data) => setPublisherName(data.value)} />
                  </Field>
                  <Field label={t("newInstance.email")} required>
                    <Input
                      type="email"
                      value={publisherEmail}
                      onChange={(_, data) => setPublisherEmail(data.value)}
                    />
                  </Field>
                  <Failure error={create.error} />
                </>
              )}
            </DialogContent>
            <DialogActions>
              {page === 2 && (
                <Button icon={<ArrowLeftRegular />} onClick={() => setPage(1)}>
                  {t("common.back")}
                </Button>
              )}
              {page === 1 && (
                <Button
                  appearance="primary"
                  type="submit"
                  icon={<ArrowRightRegular />}
                  iconPosition="after"
                  disabled={!isFree || location === ""}
                >
                  {t("common.next")}
                </Button>
              )}
              {page === 2 && (
                <Button
                  appearance="primary"
                  type="submit"
                  icon={<CheckmarkRegular />}
                  disabled={create.isPending || publisherName === "" || publisherEmail === ""}
                >
                  {t("newInstance.create")}
                </Button>
              )}
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}
