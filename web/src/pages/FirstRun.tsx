// The page that the link of `serve` opens: makes the first administrator.
import { Button, Field, Input } from "@fluentui/react-components";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import { ApiError } from "../api/http";
import { useEnter, useSession } from "../api/session";
import { Failure, useTitle } from "../shell/parts";
import { useTexts } from "../texts/texts";

export function FirstRun() {
  const { t } = useTexts();
  useTitle(t("firstRun.title"));
  const session = useSession();
  const navigate = useNavigate();
  const [code] = useState(() => window.location.hash.slice(1));
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const enter = useEnter<{ code: string; email: string; password: string }>("first-run");
  const failed = enter.error instanceof ApiError ? enter.error : undefined;
  const different = again !== "" && again !== password;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password !== again) return;
    enter.mutate({ code, email, password }, { onSuccess: () => void navigate({ to: "/", replace: true }) });
  };
  const open = session.signedIn || session.firstRun;
  if (code === "" || !open) {
    return (
      <div className="narrow">
        <h1>{t("firstRun.title")}</h1>
        <p>{open ? t("firstRun.noCode") : t("firstRun.done")}</p>
        {open && <pre className="command">mlgate user link</pre>}
      </div>
    );
  }
  return (
    <form className="narrow" onSubmit={submit}>
      <h1>{t("firstRun.title")}</h1>
      <p>{t("firstRun.intro")}</p>
      <Field label={t("person.email")} required validationMessage={failed?.target === "email" ? failed.message : undefined}>
        <Input type="email" autoComplete="username" value={email} onChange={(_, data) => setEmail(data.value)} />
      </Field>
      <Field
        label={t("person.password")}
        required
        hint={t("person.passwordRule")}
        validationMessage={failed?.target === "password" ? failed.message : undefined}
      >
        <Input
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={(_, data) => setPassword(data.value)}
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
          value={again}
          onChange={(_, data) => setAgain(data.value)}
        />
      </Field>
      {failed && failed.target !== "email" && failed.target !== "password" && <Failure error={failed} />}
      <Button appearance="primary" type="submit" disabled={enter.isPending}>
        {t("firstRun.create")}
      </Button>
    </form>
  );
}
