// E-mail and password, or a link that signs in once (its ticket stands behind the '#').
import { Button, Field, Input } from "@fluentui/react-components";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { useEnter } from "../api/session";
import { Failure, Loading, useTitle } from "../shell/parts";
import { useTexts } from "../texts/texts";

/** `children`: what somebody does who has no password; where nothing is given, the verb of the machine's owner. */
export function SignIn({ stay, children }: { stay?: boolean; children?: ReactNode }) {
  const { t } = useTexts();
  useTitle(t("signIn.title"));
  const navigate = useNavigate();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const enter = useEnter<{ email: string; password: string }>("sign-in");
  const byLink = useEnter<{ link: string }>("sign-in-link");
  const tried = useRef(false);
  // A page that asked for the sign-in is still the page; only that of the sign-in itself goes on.
  const onSuccess = () => {
    if (!stay) void navigate({ to: "/", replace: true });
  };

  const link = stay ? "" : window.location.hash.slice(1);
  useEffect(() => {
    if (link === "" || tried.current) return;
    tried.current = true;
    byLink.mutate({ link }, { onSuccess });
  });
  if (link !== "" && !byLink.isError) return <Loading />;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate({ email, password }, { onSuccess });
  };
  return (
    <form className="narrow" onSubmit={submit}>
      <h1>{t("signIn.title")}</h1>
      <Failure error={byLink.error} />
      <Field label={t("person.email")} required>
        <Input
          type="email"
          autoComplete="username"
          value={email}
          onChange={(_, data) => setEmail(data.value)}
        />
      </Field>
      <Field label={t("person.password")} required>
        <Input
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(_, data) => setPassword(data.value)}
        />
      </Field>
      <Failure error={enter.error} />
      <Button appearance="primary" type="submit" disabled={enter.isPending}>
        {t("signIn.enter")}
      </Button>
      {children ?? (
        <>
          <p className="quiet">{t("signIn.forgotten")}</p>
          <pre className="command">mlgate user link</pre>
        </>
      )}
    </form>
  );
}
