// Who is told of what, the texts of mails, and the mails themselves.
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
  MessageBar,
  MessageBarBody,
  Textarea,
} from "@fluentui/react-components";
import { AddRegular, DismissRegular, MailRegular } from "@fluentui/react-icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";

import { call } from "../api/http";
import { armCall, useChange } from "../api/publisher";
import { useInstance } from "../publisher/instance";
import { Confirm } from "../shell/Confirm";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { type TextKey, useTexts } from "../texts/texts";
import {
  fullName,
  type Mail,
  mailQuery,
  mailsQuery,
  type MailState,
  type MailTemplate,
  type Notification,
  notificationsQuery,
  previewMail,
  templateQuery,
  templatesQuery,
  usersQuery,
} from "./api";
import { MailFrame } from "./MailFrame";

function Section({ children }: { children: ReactNode }) {
  const { t } = useTexts();
  const { name: service } = useInstance();
  return (
    <Page title={t("publisher.notifications")}>
      <nav className="sub-areas" aria-label={t("publisher.notifications")}>
        <Link to="/publisher/$service/notifications" params={{ service }} activeOptions={{ exact: true }}>
          {t("mail.recipients")}
        </Link>
        <Link to="/publisher/$service/notifications/templates" params={{ service }}>
          {t("mail.templates")}
        </Link>
        <Link to="/publisher/$service/notifications/outbox" params={{ service }}>
          {t("mail.outbox")}
        </Link>
      </nav>
      {children}
    </Page>
  );
}

function Recipients({ notification, userName }: { notification: Notification; userName: (id: string) => string }) {
  const { t, told } = useTexts();
  const { id: at } = useInstance();
  const [email, setEmail] = useState("");
  const path = `/notifications/${notification.name}`;
  const add = useChange(at, () => armCall(at, "PUT", `${path}/recipientEmails/${encodeURIComponent(email)}`));
  const remove = useChange(at, (what: string) => armCall(at, "DELETE", `${path}/${what}`));
  const { recipients } = notification.properties;
  const title = told(notification.properties.title);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (email !== "") add.mutate(undefined, { onSuccess: () => setEmail("") });
  };
  const rows = [
    ...recipients.users.map((id) => ({
      path: `recipientUsers/${id.split("/").at(-1)}`,
      text: userName(id.split("/").at(-1)!),
    })),
    ...recipients.emails.map((one) => ({ path: `recipientEmails/${encodeURIComponent(one)}`, text: one })),
  ];
  return (
    <section className="facts" aria-label={title}>
      <h2>{title}</h2>
      <p className="quiet">{told(notification.properties.description)}</p>
      {rows.length === 0 && <p>{t("mail.noRecipients")}</p>}
      <ul className="plain-list">
        {rows.map((one) => (
          <li key={one.path}>
            <span>{one.text}</span>
            <Button
              size="small"
              appearance="subtle"
              icon={<DismissRegular />}
              disabled={remove.isPending}
              aria-label={t("mail.removeRecipient", { name: one.text, notification: title })}
              onClick={() => remove.mutate(one.path)}
            />
          </li>
        ))}
      </ul>
      <form className="row" onSubmit={submit}>
        <Input
          type="email"
          value={email}
          aria-label={t("mail.newRecipient", { notification: title })}
          placeholder={t("person.email")}
          onChange={(_, data) => setEmail(data.value)}
        />
        <Button type="submit" icon={<AddRegular />} disabled={email === "" || add.isPending}>
          {t("mail.addRecipient")}
        </Button>
      </form>
      <Failure error={add.error ?? remove.error} />
    </section>
  );
}

export function NotificationRecipients() {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const notifications = useQuery(notificationsQuery(at));
  const users = useQuery(usersQuery(at));
  const userName = (name: string) => {
    const user = users.data?.find((one) => one.name === name);
    return user ? `${fullName(user)} (${user.properties.email})` : name;
  };
  return (
    <Section>
      <p className="quiet">{t("mail.recipientsHint")}</p>
      <Failure error={notifications.error ?? users.error} />
      {notifications.isPending && <Loading />}
      {notifications.data?.map((one) => <Recipients key={one.name} notification={one} userName={userName} />)}
    </Section>
  );
}

export function Templates() {
  const { t, told } = useTexts();
  const { id: at, name: service } = useInstance();
  const templates = useQuery(templatesQuery(at));
  return (
    <Section>
      <p className="quiet">{t("mail.templatesHint")}</p>
      <Failure error={templates.error} />
      {templates.isPending && <Loading />}
      {templates.data && (
        <DataTable
          label={t("mail.templates")}
          rows={templates.data}
          keyOf={(one) => one.name}
          columns={[
            {
              head: t("common.name"),
              cell: (one) => (
                <Link
                  to="/publisher/$service/notifications/templates/$template"
                  params={{ service, template: one.name }}
                >
                  {told(one.properties.title)}
                </Link>
              ),
            },
            { head: t("operations.description"), cell: (one) => told(one.properties.description) },
            {
              head: t("mail.wording"),
              cell: (one) => (one.properties.isDefault ? t("mail.default") : t("mail.changed")),
            },
          ]}
        />
      )}
    </Section>
  );
}

function TemplateForm({ template }: { template: MailTemplate }) {
  const { t, told } = useTexts();
  const { id: at } = useInstance();
  const old = template.properties;
  const [subject, setSubject] = useState(old.subject);
  const [body, setBody] = useState(old.body);
  const [asking, setAsking] = useState(false);
  const path = `/templates/${template.name}`;
  const save = useChange(at, () => armCall(at, "PUT", path, { properties: { subject, body } }, "*"));
  const restore = useChange(at, () => armCall(at, "DELETE", path, undefined, "*"));
  const preview = useMutation({ mutationFn: () => previewMail(template.name, subject, body) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <>
      <form className="fields" onSubmit={submit}>
        <Field label={t("mail.subject")} required>
          <Input value={subject} onChange={(_, data) => setSubject(data.value)} />
        </Field>
        <Field label={t("mail.body")} required hint={t("mail.bodyHint")}>
          <Textarea
            className="source-text"
            resize="vertical"
            value={body}
            onChange={(_, data) => setBody(data.value)}
          />
        </Field>
        <div>
          <h2>{t("mail.parameters")}</h2>
          <ul className="parameter-list">
            {old.parameters.map((one) => (
              <li key={one.name}>
                <code>${one.name}</code> <span className="quiet">{told(one.title)}</span>
              </li>
            ))}
          </ul>
        </div>
        <Failure error={save.error ?? restore.error ?? preview.error} />
        <p role="status" className="quiet">
          {save.isSuccess && !save.isPending ? t("mail.saved") : ""}
        </p>
        <div className="row">
          <Button appearance="primary" type="submit" disabled={save.isPending || subject === "" || body === ""}>
            {t("common.save")}
          </Button>
          <Button onClick={() => preview.mutate()} disabled={preview.isPending}>
            {t("mail.preview")}
          </Button>
          {!old.isDefault && <Button onClick={() => setAsking(true)}>{t("mail.restore")}</Button>}
        </div>
      </form>
      {preview.data && (
        <section>
          <h2>{t("mail.preview")}</h2>
          <p>
            <strong>{preview.data.subject}</strong>
          </p>
          <MailFrame body={preview.data.body} />
        </section>
      )}
      {asking && (
        <Confirm
          title={t("mail.restore")}
          text={t("mail.restoreText")}
          close={() => setAsking(false)}
          accept={() => restore.mutate()}
        />
      )}
    </>
  );
}

export function TemplatePage() {
  const { t, told } = useTexts();
  const { id: at } = useInstance();
  const { service, template } = useParams({ from: "/publisher/$service/notifications/templates/$template" });
  const query = useQuery(templateQuery(at, template));
  if (query.error) return <Failure error={query.error} />;
  if (!query.data) return <Loading />;
  const { title, description, isDefault } = query.data.properties;
  return (
    <Page
      title={told(title)}
      actions={
        <Link to="/publisher/$service/notifications/templates" params={{ service }}>
          {t("mail.templates")}
        </Link>
      }
    >
      <p>{told(description)}</p>
      <p className="quiet">{isDefault ? t("mail.defaultHint") : t("mail.changedHint")}</p>
      {/* A text that was taken back begins anew. */}
      <TemplateForm key={`${template} ${isDefault}`} template={query.data} />
    </Page>
  );
}

const stateTexts: Record<MailState, TextKey> = {
  waiting: "mail.waiting",
  sent: "mail.sent",
  failed: "mail.failed",
};

function MailDialog({ id, delivers, close }: { id: string; delivers: boolean; close: () => void }) {
  const { t, date } = useTexts();
  const { id: at } = useInstance();
  const mail = useQuery(mailQuery(at, id));
  const retry = useChange(at, () => call("POST", "/console/api/mail-retry", { id }));
  const facts: [string, string][] = mail.data
    ? [
        [t("mail.from"), mail.data.from],
        [t("mail.to"), mail.data.to],
        [t("experiments.created"), date(mail.data.created)],
        [t("experiments.state"), t(stateTexts[mail.data.state])],
        [t("mail.attempts"), mail.data.attempts === 0 ? "" : String(mail.data.attempts)],
        [t("mail.lastError"), mail.data.error],
      ]
    : [];
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface className="medium-dialog" aria-describedby={undefined}>
        <DialogBody>
          <DialogTitle>{mail.data?.subject ?? t("mail.text")}</DialogTitle>
          <DialogContent className="fields">
            <Failure error={mail.error ?? retry.error} />
            {mail.isPending && <Loading />}
            <div>
              {facts
                .filter(([, value]) => value !== "")
                .map(([name, value]) => (
                  <div className="copy-value" key={name}>
                    <span className="copy-label">{name}</span>
                    <span className="fact-text">{value}</span>
                  </div>
                ))}
            </div>
            {mail.data && (mail.data.body === "" ? <p>{t("mail.notKept")}</p> : <MailFrame body={mail.data.body} />)}
          </DialogContent>
          <DialogActions>
            {delivers && mail.data && mail.data.state !== "sent" && (
              <Button disabled={retry.isPending} onClick={() => retry.mutate(undefined, { onSuccess: close })}>
                {t("mail.retry")}
              </Button>
            )}
            <Button appearance="primary" onClick={close}>
              {t("common.close")}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

export function OutboxPage() {
  const { t, date } = useTexts();
  const { id: at, name: service } = useInstance();
  const mails = useQuery(mailsQuery(at, service));
  const [shown, setShown] = useState<string | null>(null);
  const rows = mails.data?.value ?? [];
  const paged = usePaged(rows, (one) => `${one.to} ${one.subject}`);
  const state = (one: Mail) => (
    <>
      {t(stateTexts[one.state])}
      {one.error !== "" && <div className="quiet">{one.error}</div>}
    </>
  );
  return (
    <Section>
      <Failure error={mails.error} />
      {mails.data && !mails.data.delivers && (
        <MessageBar intent="info" layout="multiline">
          <MessageBarBody>{t("mail.noServer")}</MessageBarBody>
        </MessageBar>
      )}
      {mails.isPending && <Loading />}
      {mails.isSuccess && rows.length === 0 && <Empty title={t("mail.none")}>{t("mail.noneHint")}</Empty>}
      <ListSearch paged={paged} />
      {rows.length > 0 && (
        <DataTable
          label={t("mail.outbox")}
          rows={paged.shown}
          keyOf={(one) => one.id}
          columns={[
            { head: t("mail.to"), cell: (one) => one.to },
            { head: t("mail.subject"), cell: (one) => one.subject },
            { head: t("experiments.state"), cell: state },
            { head: t("experiments.created"), cell: (one) => date(one.created) },
            {
              className: "action-cell-wide",
              cell: (one) => (
                <Button
                  icon={<MailRegular />}
                  aria-label={t("mail.showWhat", { to: one.to, subject: one.subject })}
                  onClick={() => setShown(one.id)}
                >
                  {t("common.show")}
                </Button>
              ),
            },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {shown && <MailDialog id={shown} delivers={mails.data?.delivers ?? false} close={() => setShown(null)} />}
    </Section>
  );
}
