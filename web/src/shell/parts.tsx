// Small pieces that many pages have.
import { Button, MessageBar, MessageBarBody, Spinner } from "@fluentui/react-components";
import { CheckmarkRegular, CopyRegular } from "@fluentui/react-icons";
import { type ReactNode, useEffect, useState } from "react";

import { messageOf } from "../api/http";
import { useTexts } from "../texts/texts";

export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} - mlgate`;
  }, [title]);
}

export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  useTitle(title);
  return (
    <div className="page">
      <div className="page-head">
        <h1>{title}</h1>
        <div className="page-actions">{actions}</div>
      </div>
      {children}
    </div>
  );
}

export function Loading() {
  const { t } = useTexts();
  return (
    <div className="loading">
      <Spinner label={t("common.loading")} />
    </div>
  );
}

export function Failure({ error }: { error: unknown }) {
  if (!error) return null;
  return (
    <MessageBar intent="error" layout="multiline" role="alert">
      <MessageBarBody className="failure-text">{messageOf(error)}</MessageBarBody>
    </MessageBar>
  );
}

/** What stands where a list has nothing yet: it says what to do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <div>{children}</div>
    </div>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const { t } = useTexts();
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <Button
      appearance="subtle"
      size="small"
      icon={done ? <CheckmarkRegular /> : <CopyRegular />}
      aria-label={label}
      title={done ? t("common.copied") : label}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}
    />
  );
}

/** A value that one copies: an id, an address. */
export function CopyValue({ label, value, secret }: { label: string; value: string; secret?: boolean }) {
  const { t } = useTexts();
  const [shown, setShown] = useState(!secret);
  return (
    <div className="copy-value">
      <span className="copy-label">{label}</span>
      <code className="copy-text">{shown ? value : "•".repeat(24)}</code>
      {secret && (
        <Button appearance="subtle" size="small" onClick={() => setShown(!shown)}>
          {shown ? t("common.hide") : t("common.show")}
        </Button>
      )}
      <CopyButton text={value} label={t("common.copy", { what: label })} />
    </div>
  );
}
