// Who one is at the instance, and one's subscriptions with their keys.
import { Button, Field, Input } from "@fluentui/react-components";
import { ArrowSyncRegular, EditRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "../api/http";
import { FormDialog } from "../publisher/FormDialog";
import { Confirm } from "../shell/Confirm";
import { MoreButton, usePaged } from "../shell/paging";
import { CopyButton, Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import {
  keysQuery,
  type PortalUser,
  productOfScope,
  productsQuery,
  type Subscription,
  subscriptionsQuery,
  useDeveloper,
  useDeveloperChange,
} from "./data";
import { isOver, stateTexts, titleOfSubscription } from "./subscription";

function NamesDialog({ user, close }: { user: PortalUser; close: () => void }) {
  const { t } = useTexts();
  const { place } = useDeveloper();
  const [firstName, setFirst] = useState(user.firstName);
  const [lastName, setLast] = useState(user.lastName);
  const save = useDeveloperChange(() => call("PATCH", `${place.base}/user`, { firstName, lastName }));
  return (
    <FormDialog
      title={t("developer.editNames")}
      accept={t("common.save")}
      ready={firstName.trim() !== "" && lastName.trim() !== ""}
      busy={save.isPending}
      error={save.error}
      submit={() => save.mutate(undefined, { onSuccess: close })}
      close={close}
    >
      <Field label={t("developer.firstName")} required>
        <Input value={firstName} autoComplete="given-name" onChange={(_, data) => setFirst(data.value)} />
      </Field>
      <Field label={t("developer.lastName")} required>
        <Input value={lastName} autoComplete="family-name" onChange={(_, data) => setLast(data.value)} />
      </Field>
    </FormDialog>
  );
}

function RenameDialog({ subscription, close }: { subscription: Subscription; close: () => void }) {
  const { t } = useTexts();
  const { place } = useDeveloper();
  const [name, setName] = useState(subscription.name ?? "");
  const save = useDeveloperChange(() => call("PATCH", `${place.base}/subscriptions/${subscription.id}`, { name }));
  return (
    <FormDialog
      title={t("developer.renameWhat", { name: titleOfSubscription(subscription) })}
      accept={t("common.save")}
      ready={name.trim() !== ""}
      busy={save.isPending}
      error={save.error}
      submit={() => save.mutate(undefined, { onSuccess: close })}
      close={close}
    >
      <Field label={t("developer.subscriptionName")} required>
        <Input value={name} onChange={(_, data) => setName(data.value)} />
      </Field>
    </FormDialog>
  );
}

function KeyRow({ subscription, which }: { subscription: Subscription; which: "primary" | "secondary" }) {
  const { t } = useTexts();
  const { place } = useDeveloper();
  const [shown, setShown] = useState(false);
  const [asking, setAsking] = useState(false);
  const keys = useQuery({ ...keysQuery(place, subscription.id), enabled: shown });
  const isPrimary = which === "primary";
  const regenerate = useDeveloperChange(() =>
    call("POST", `${place.base}/subscriptions/${subscription.id}/regenerate${isPrimary ? "Primary" : "Secondary"}Key`),
  );
  const key = isPrimary ? keys.data?.primaryKey : keys.data?.secondaryKey;
  const label = t(isPrimary ? "subscriptions.primary" : "subscriptions.secondary");
  const what = t("developer.keyOf", { key: label, name: titleOfSubscription(subscription) });
  return (
    <>
      <div className="copy-value">
        <span className="copy-label">{label}</span>
        <code className="copy-text">{shown && key ? key : "•".repeat(32)}</code>
        <span className="row-actions">
          <Button
            appearance="subtle"
            size="small"
            aria-label={`${t(shown ? "common.hide" : "common.show")}: ${what}`}
            onClick={() => setShown(!shown)}
          >
            {t(shown ? "common.hide" : "common.show")}
          </Button>
          {shown && key && <CopyButton text={key} label={t("common.copy", { what })} />}
          <Button
            appearance="subtle"
            size="small"
            icon={<ArrowSyncRegular />}
            disabled={regenerate.isPending}
            aria-label={`${t("developer.regenerate")}: ${what}`}
            onClick={() => setAsking(true)}
          >
            {t("developer.regenerate")}
          </Button>
        </span>
      </div>
      <Failure error={keys.error ?? regenerate.error} />
      {asking && (
        <Confirm
          title={t("developer.regenerateWhat", { what })}
          text={t("developer.regenerateText")}
          close={() => setAsking(false)}
          accept={() => regenerate.mutate(undefined)}
        />
      )}
    </>
  );
}

function SubscriptionCard({ subscription }: { subscription: Subscription }) {
  const { t, date } = useTexts();
  const { service, place } = useDeveloper();
  const products = useQuery(productsQuery(place));
  const [renaming, setRenaming] = useState(false);
  const [cancelling, setCancelling] = useState(false);
  const cancel = useDeveloperChange(() =>
    call("PATCH", `${place.base}/subscriptions/${subscription.id}`, { state: "cancelled" }),
  );
  const product = products.data?.find(
    (one) => one.id.toLowerCase() === productOfScope(subscription.scope).toLowerCase(),
  );
  const name = titleOfSubscription(subscription);
  return (
    <article className="facts" aria-label={name}>
      <div className="section-head">
        <h3>{name}</h3>
        <span className="row-actions">
          <Button size="small" aria-label={t("developer.renameWhat", { name })} onClick={() => setRenaming(true)}>
            {t("developer.rename")}
          </Button>
          {!isOver(subscription) && (
            <Button size="small" aria-label={t("developer.cancelWhat", { name })} onClick={() => setCancelling(true)}>
              {t("developer.cancel")}
            </Button>
          )}
        </span>
      </div>
      <p>
        {product && (
          <>
            <Link to="/developer/$service/products/$product" params={{ service, product: product.id }}>
              {product.name}
            </Link>
            {", "}
          </>
        )}
        {t(stateTexts[subscription.state])}, {date(subscription.startDate ?? subscription.createdDate)}
      </p>
      {subscription.stateComment && <p className="fact-text">{subscription.stateComment}</p>}
      {subscription.state === "submitted" && <p className="quiet">{t("developer.waitHint")}</p>}
      {!isOver(subscription) && (
        <>
          <KeyRow subscription={subscription} which="primary" />
          <KeyRow subscription={subscription} which="secondary" />
        </>
      )}
      <Failure error={cancel.error} />
      {renaming && <RenameDialog subscription={subscription} close={() => setRenaming(false)} />}
      {cancelling && (
        <Confirm
          title={t("developer.cancelWhat", { name })}
          text={t("developer.cancelText")}
          close={() => setCancelling(false)}
          accept={() => cancel.mutate(undefined)}
        />
      )}
    </article>
  );
}

export function Profile() {
  const { t, date } = useTexts();
  const { service, place, portal } = useDeveloper();
  const subscriptions = useQuery({ ...subscriptionsQuery(place), enabled: portal.user !== null });
  const [editing, setEditing] = useState(false);
  const list = subscriptions.data ?? [];
  const paged = usePaged(list, titleOfSubscription);
  const { user } = portal;
  if (!user) return <Navigate to="/developer/$service/sign-in" params={{ service }} replace />;
  return (
    <Page title={t("developer.profile")}>
      <section className="facts">
        <div className="section-head">
          <h2>
            {user.firstName} {user.lastName}
          </h2>
          <Button icon={<EditRegular />} onClick={() => setEditing(true)}>
            {t("developer.editNames")}
          </Button>
        </div>
        <p>{user.email}</p>
        <p className="quiet">{t("developer.since", { date: date(user.registrationDate) })}</p>
      </section>
      <h2>{t("developer.yourSubscriptions")}</h2>
      <Failure error={subscriptions.error} />
      {subscriptions.isPending && <Loading />}
      {subscriptions.isSuccess && list.length === 0 && (
        <Empty title={t("developer.noSubscriptions")}>
          <Link to="/developer/$service/products" params={{ service }}>
            {t("developer.noSubscriptionsHint")}
          </Link>
        </Empty>
      )}
      {paged.shown.map((one) => (
        <SubscriptionCard key={one.id} subscription={one} />
      ))}
      <MoreButton paged={paged} />
      {editing && <NamesDialog user={user} close={() => setEditing(false)} />}
    </Page>
  );
}
