// The pages of somebody's account: sign-up, the links that come by mail, and what one does with it oneself.
import { Button, Field, Input, MessageBar, MessageBarBody } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";

import { ApiError, call, keepCsrf } from "../api/http";
import { sessionQuery, useSession } from "../api/session";
import { Failure, Loading, Page, useTitle } from "../shell/parts";
import { type TextKey, useTexts } from "../texts/texts";
import { portalFactsQuery } from "./api";

const problemOf = (error: unknown, field: string) =>
  error instanceof ApiError && error.target === field ? error.message : undefined;
/** What does not belong to a field of the form. */
const elsewhere = (error: unknown, fields: string[]) =>
  error instanceof ApiError && fields.includes(error.target ?? "") ? null : error;

function Narrow({ title, children }: { title: string; children: ReactNode }) {
  useTitle(title);
  return (
    <div className="narrow">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

interface PasswordPair {
  value: string;
  set: (text: string) => void;
  again: string;
  setAgain: (text: string) => void;
}
function usePasswordPair(): PasswordPair & { ready: boolean } {
  const [value, set] = useState("");
  const [again, setAgain] = useState("");
  return { value, set, again, setAgain, ready: value !== "" && value === again };
}

function NewPassword({ pair, label, problem }: { pair: PasswordPair; label: string; problem?: string }) {
  const { t } = useTexts();
  const different = pair.again !== "" && pair.again !== pair.value;
  return (
    <>
      <Field label={label} required hint={t("person.passwordRule")} validationMessage={problem}>
        <Input
          type="password"
          autoComplete="new-password"
          value={pair.value}
          onChange={(_, data) => pair.set(data.value)}
        />
      </Field>
      <Field
        label={t("person.passwordAgain")}
        required
        validationMessage={different ? t("person.passwordsDiffer") : undefined}
      >
        <Input
          type="password"
          autoComplete="new-password"
          value={pair.again}
          onChange={(_, data) => pair.setAgain(data.value)}
        />
      </Field>
    </>
  );
}

function ToSignIn() {
  const { t } = useTexts();
  const { service = "" } = useParams({ strict: false });
  return (
    <Link to="/developer/$service/sign-in" params={{ service }}>
      {t("account.toSignIn")}
    </Link>
  );
}

/** Without a mail server somebody has to pass the link on. */
function NoMail({ organization }: { organization: string }) {
  const { t } = useTexts();
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>{t("account.noMail", { organization })}</MessageBarBody>
    </MessageBar>
  );
}

export function SignUp() {
  const { t } = useTexts();
  const { service } = useParams({ from: "/developer/$service/signup" });
  const facts = useQuery(portalFactsQuery(service));
  const [email, setEmail] = useState("");
  const [firstName, setFirst] = useState("");
  const [lastName, setLast] = useState("");
  const password = usePasswordPair();
  const signUp = useMutation({
    mutationFn: () =>
      call("POST", "/console/api/sign-up", { service, email, firstName, lastName, password: password.value }),
  });
  const title = t("account.signUp");
  if (facts.error)
    return (
      <Narrow title={title}>
        <Failure error={facts.error} />
      </Narrow>
    );
  if (!facts.data) return <Loading />;
  if (signUp.isSuccess) {
    return (
      <Narrow title={t("account.almost")}>
        <p role="status">{t("account.mailSent", { email })}</p>
        {!facts.data.mail && <NoMail organization={facts.data.organization} />}
        <ToSignIn />
      </Narrow>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password.ready) signUp.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Narrow title={title}>
        <p>{t("account.signUpIntro", { organization: facts.data.organization })}</p>
        {!facts.data.mail && <NoMail organization={facts.data.organization} />}
        <Field label={t("person.email")} required validationMessage={problemOf(signUp.error, "email")}>
          <Input type="email" autoComplete="username" value={email} onChange={(_, data) => setEmail(data.value)} />
        </Field>
        <Field label={t("users.firstName")} required validationMessage={problemOf(signUp.error, "firstName")}>
          <Input autoComplete="given-name" value={firstName} onChange={(_, data) => setFirst(data.value)} />
        </Field>
        <Field label={t("users.lastName")} required validationMessage={problemOf(signUp.error, "lastName")}>
          <Input autoComplete="family-name" value={lastName} onChange={(_, data) => setLast(data.value)} />
        </Field>
        <NewPassword pair={password} label={t("person.password")} problem={problemOf(signUp.error, "password")} />
        <Failure error={elsewhere(signUp.error, ["email", "firstName", "lastName", "password"])} />
        <Button appearance="primary" type="submit" disabled={signUp.isPending}>
          {t("account.signUp")}
        </Button>
        <ToSignIn />
      </Narrow>
    </form>
  );
}

// The ticket of a mail's link stands behind the '#' and is used when its reader says so, not when the page is opened:
// programs that look at links in mails use none up.
const ticketOfPage = () => window.location.hash.slice(1);

export function ConfirmSignUp() {
  const { t } = useTexts();
  const { service } = useParams({ from: "/developer/$service/confirm" });
  const [ticket] = useState(ticketOfPage);
  const confirm = useMutation({
    mutationFn: () => call<{ email: string }>("POST", "/console/api/sign-up-confirm", { ticket }),
  });
  const title = t("account.confirm");
  if (confirm.isSuccess) {
    return (
      <Narrow title={title}>
        <p role="status">{t("account.confirmed", { email: confirm.data.email })}</p>
        <ToSignIn />
      </Narrow>
    );
  }
  return (
    <Narrow title={title}>
      <p>{t("account.confirmIntro")}</p>
      <Failure error={confirm.error} />
      {confirm.error && (
        <Link to="/developer/$service/signup" params={{ service }}>
          {t("account.signUpAgain")}
        </Link>
      )}
      <Button appearance="primary" disabled={confirm.isPending} onClick={() => confirm.mutate()}>
        {t("account.confirm")}
      </Button>
    </Narrow>
  );
}

interface ChooseProps {
  title: string;
  intro: string;
  way: "reset-finish" | "invitation";
  done: TextKey;
}

function ChoosePassword({ title, intro, way, done }: ChooseProps) {
  const { t } = useTexts();
  const [ticket] = useState(ticketOfPage);
  const password = usePasswordPair();
  const choose = useMutation({
    mutationFn: () =>
      call<{ email: string }>("POST", `/console/api/${way}`, { ticket, password: password.value }),
  });
  if (choose.isSuccess) {
    return (
      <Narrow title={title}>
        <p role="status">{t(done, { email: choose.data.email })}</p>
        <ToSignIn />
      </Narrow>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password.ready) choose.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Narrow title={title}>
        <p>{intro}</p>
        <NewPassword pair={password} label={t("account.newPassword")} problem={problemOf(choose.error, "password")} />
        <Failure error={elsewhere(choose.error, ["password"])} />
        <Button appearance="primary" type="submit" disabled={choose.isPending}>
          {t("account.setPassword")}
        </Button>
      </Narrow>
    </form>
  );
}

export function AcceptInvitation() {
  const { t } = useTexts();
  return (
    <ChoosePassword
      title={t("account.invitation")}
      intro={t("account.invitationIntro")}
      way="invitation"
      done="account.confirmed"
    />
  );
}

export function ResetPassword() {
  const { t } = useTexts();
  const { service } = useParams({ from: "/developer/$service/reset-password" });
  const facts = useQuery(portalFactsQuery(service));
  const [ticket] = useState(ticketOfPage);
  const [email, setEmail] = useState("");
  const ask = useMutation({ mutationFn: () => call("POST", "/console/api/reset", { service, email }) });
  const title = t("account.reset");
  if (ticket !== "")
    return (
      <ChoosePassword title={title} intro={t("account.chooseIntro")} way="reset-finish" done="account.passwordSet" />
    );
  if (facts.error)
    return (
      <Narrow title={title}>
        <Failure error={facts.error} />
      </Narrow>
    );
  if (!facts.data) return <Loading />;
  if (ask.isSuccess) {
    return (
      <Narrow title={title}>
        <p role="status">{t("account.resetSent", { email })}</p>
        {!facts.data.mail && <NoMail organization={facts.data.organization} />}
        <ToSignIn />
      </Narrow>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Narrow title={title}>
        <p>{t("account.resetIntro")}</p>
        {!facts.data.mail && <NoMail organization={facts.data.organization} />}
        <Field label={t("person.email")} required validationMessage={problemOf(ask.error, "email")}>
          <Input type="email" autoComplete="username" value={email} onChange={(_, data) => setEmail(data.value)} />
        </Field>
        <Failure error={elsewhere(ask.error, ["email"])} />
        <Button appearance="primary" type="submit" disabled={ask.isPending || email === ""}>
          {t("account.sendLink")}
        </Button>
        <ToSignIn />
      </Narrow>
    </form>
  );
}

function ChangePassword() {
  const { t } = useTexts();
  const [old, setOld] = useState("");
  const password = usePasswordPair();
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: () =>
      call<{ csrf: string }>("POST", "/console/api/password", { password: old, newPassword: password.value }),
    onSuccess: async (answer) => {
      keepCsrf(answer.csrf);
      await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      setOld("");
      password.set("");
      password.setAgain("");
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password.ready) change.mutate();
  };
  return (
    <section className="facts">
      <h2>{t("account.changePassword")}</h2>
      <form className="fields" onSubmit={submit}>
        <Field label={t("account.oldPassword")} required validationMessage={problemOf(change.error, "password")}>
          <Input
            type="password"
            autoComplete="current-password"
            value={old}
            onChange={(_, data) => setOld(data.value)}
          />
        </Field>
        <NewPassword
          pair={password}
          label={t("account.newPassword")}
          problem={problemOf(change.error, "newPassword")}
        />
        <Failure error={elsewhere(change.error, ["password", "newPassword"])} />
        <p role="status" className="quiet">
          {change.isSuccess ? t("account.passwordChanged") : ""}
        </p>
        <div className="row">
          <Button appearance="primary" type="submit" disabled={change.isPending || old === "" || !password.ready}>
            {t("account.changePassword")}
          </Button>
        </div>
      </form>
    </section>
  );
}

function CloseAccount() {
  const { t } = useTexts();
  const [password, setPassword] = useState("");
  const client = useQueryClient();
  const close = useMutation({
    mutationFn: () => call("POST", "/console/api/close-account", { password }),
    onSuccess: () => client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    close.mutate();
  };
  return (
    <section className="facts">
      <h2>{t("account.close")}</h2>
      <p>{t("account.closeText")}</p>
      <form className="fields" onSubmit={submit}>
        <Field label={t("person.password")} required validationMessage={problemOf(close.error, "password")}>
          <Input
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(_, data) => setPassword(data.value)}
          />
        </Field>
        <Failure error={elsewhere(close.error, ["password"])} />
        <div className="row">
          <Button type="submit" disabled={close.isPending || password === ""}>
            {t("account.close")}
          </Button>
        </div>
      </form>
    </section>
  );
}

export function AccountPage() {
  const { t } = useTexts();
  const session = useSession();
  if (!session.signedIn) return null;
  return (
    <Page title={t("account.title")}>
      <p>{session.email}</p>
      <ChangePassword />
      {session.role === "developer" && <CloseAccount />}
    </Page>
  );
}
