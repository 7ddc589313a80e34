// What an instance says of itself: whose it is, where mails come from, under which names it answers.
import { Button, Field, Input } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { armCall } from "../api/publisher";
import { useInstance } from "../publisher/instance";
import { CopyValue, Failure, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";

export function InstanceSettings() {
  const { t } = useTexts();
  const instance = useInstance();
  const { properties, sku } = instance;
  const client = useQueryClient();
  const [publisherName, setName] = useState(properties.publisherName);
  const [publisherEmail, setEmail] = useState(properties.publisherEmail);
  const [notificationSenderEmail, setSender] = useState(properties.notificationSenderEmail);
  const save = useMutation({
    mutationFn: () =>
      armCall(
        instance.id,
        "PATCH",
        "",
        { properties: { publisherName, publisherEmail, notificationSenderEmail } },
        "*",
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["instances"] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <Page title={t("publisher.settings")}>
      <section className="facts">
        <h2>{t("settings.organization")}</h2>
        <form className="fields" onSubmit={submit}>
          <Field label={t("settings.publisherName")} required>
            <Input value={publisherName} onChange={(_, data) => setName(data.value)} />
          </Field>
          <Field label={t("settings.publisherEmail")} required hint={t("settings.publisherEmailHint")}>
            <Input type="email" value={publisherEmail} onChange={(_, data) => setEmail(data.value)} />
          </Field>
          <Field label={t("settings.sender")} hint={t("settings.senderHint")}>
            <Input type="email" value={notificationSenderEmail} onChange={(_, data) => setSender(data.value)} />
          </Field>
          <Failure error={save.error} />
          <p role="status" className="quiet">
            {save.isSuccess ? t("mail.saved") : ""}
          </p>
          <div className="row">
            <Button
              appearance="primary"
              type="submit"
              disabled={save.isPending || publisherName === "" || publisherEmail === ""}
            >
              {t("common.save")}
            </Button>
          </div>
        </form>
      </section>
      <section className="facts">
        <h2>{t("settings.hosts")}</h2>
        <p className="quiet">{t("settings.hostsHint")}</p>
        <CopyValue label={t("settings.gateway")} value={properties.gatewayUrl} />
        <CopyValue label={t("settings.management")} value={properties.managementApiUrl} />
        {properties.hostnameConfigurations.map((one) => (
          <CopyValue key={`${one.type} ${one.hostName}`} label={one.type} value={one.hostName} />
        ))}
      </section>
      <section className="facts">
        <h2>{t("settings.tier")}</h2>
        <div className="copy-value">
          <span className="copy-label">{t("settings.sku")}</span>
          <span>{sku.name}</span>
        </div>
        <div className="copy-value">
          <span className="copy-label">{t("settings.units")}</span>
          <span>{sku.capacity}</span>
        </div>
      </section>
    </Page>
  );
}
