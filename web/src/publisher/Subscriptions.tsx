// Subscriptions: who may call what, with which keys.
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
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Select,
} from "@fluentui/react-components";
import { AddRegular, KeyRegular, MoreHorizontalRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import {
  apisQuery,
  armCall,
  keysQuery,
  productsQuery,
  slug,
  type Subscription,
  type SubscriptionState,
  subscriptionsQuery,
  useChange,
} from "../api/publisher";
import { fullName, usersQuery } from "../people/api";
import { Confirm } from "../shell/Confirm";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { CopyValue, Empty, Failure, Loading, Page } from "../shell/parts";
import { type TextKey, useTexts } from "../texts/texts";
import { FormDialog } from "./FormDialog";
import { useInstance } from "./instance";
import { ScopeOptions } from "./ScopeOptions";

function AddDialog({ close }: { close: () => void }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const products = useQuery(productsQuery(at));
  const apis = useQuery(apisQuery(at));
  const [displayName, setName] = useState("");
  const [scope, setScope] = useState("");
  const add = useChange(at, () =>
    armCall(at, "PUT", `/subscriptions/${slug(displayName)}`, {
      properties: { displayName, scope: scope || "/apis", state: "active" },
    }),
  );
  return (
    <FormDialog
      title={t("subscriptions.add")}
      accept={t("common.save")}
      ready={displayName !== ""}
      busy={add.isPending}
      error={products.error ?? apis.error ?? add.error}
      submit={() => add.mutate(undefined, { onSuccess: close })}
      close={close}
    >
      <Field label={t("subscriptions.name")} required>
        <Input value={displayName} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label={t("subscriptions.scope")}>
        <Select value={scope} onChange={(_, data) => setScope(data.value)}>
          <ScopeOptions products={products.data} apis={apis.data} />
        </Select>
      </Field>
    </FormDialog>
  );
}

function KeysDialog({ subscription, close }: { subscription: Subscription; close: () => void }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const keys = useQuery(keysQuery(at, subscription.name));
  const regenerate = useChange(at, (which: "Primary" | "Secondary") =>
    armCall(at, "POST", `/subscriptions/${subscription.name}/regenerate${which}Key`),
  );
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface className="medium-dialog" aria-describedby={undefined}>
        <DialogBody>
          <DialogTitle>
            {t("subscriptions.keysOf", { name: subscription.properties.displayName || subscription.name })}
          </DialogTitle>
          <DialogContent className="fields">
            <Failure error={keys.error ?? regenerate.error} />
            {keys.isPending && <Loading />}
            {keys.data &&
              (["Primary", "Secondary"] as const).map((which) => (
                <div key={which}>
                  <CopyValue
                    label={t(which === "Primary" ? "subscriptions.primary" : "subscriptions.secondary")}
                    value={which === "Primary" ? keys.data.primaryKey : keys.data.secondaryKey}
                    secret
                  />
                  <Button size="small" disabled={regenerate.isPending} onClick={() => regenerate.mutate(which)}>
                    {t(which === "Primary" ? "subscriptions.newPrimary" : "subscriptions.newSecondary")}
                  </Button>
                </div>
              ))}
          </DialogContent>
          <DialogActions>
            <Button onClick={close}>{t("common.close")}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

/** The developer is told of the reason by mail. */
function RejectDialog({ subscription, close }: { subscription: Subscription; close: () => void }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const [stateComment, setReason] = useState("");
  const reject = useChange(at, () =>
    armCall(at, "PATCH", `/subscriptions/${subscription.name}`, { properties: { state: "rejected", stateComment } }, "*"),
  );
  return (
    <FormDialog
      title={t("subscriptions.rejectWhat", { name: nameOf(subscription) })}
      accept={t("subscriptions.reject")}
      ready
      busy={reject.isPending}
      error={reject.error}
      submit={() => reject.mutate(undefined, { onSuccess: close })}
      close={close}
    >
      <Field label={t("subscriptions.reason")} hint={t("subscriptions.reasonHint")}>
        <Input value={stateComment} onChange={(_, data) => setReason(data.value)} />
      </Field>
    </FormDialog>
  );
}

const nameOf = (one: Subscription) => one.properties.displayName || one.name;

/** What can be done in which state. */
const moves: Record<SubscriptionState, { to: SubscriptionState; text: TextKey }[]> = {
  submitted: [
    { to: "active", text: "subscriptions.approve" },
    { to: "rejected", text: "subscriptions.reject" },
  ],
  active: [{ to: "suspended", text: "subscriptions.suspend" }],
  suspended: [{ to: "active", text: "subscriptions.activate" }],
  rejected: [{ to: "active", text: "subscriptions.activate" }],
  cancelled: [{ to: "active", text: "subscriptions.activate" }],
  expired: [{ to: "active", text: "subscriptions.activate" }],
};
const stateTexts: Record<SubscriptionState, TextKey> = {
  submitted: "subscriptions.submitted",
  active: "subscriptions.active",
  suspended: "subscriptions.suspended",
  rejected: "subscriptions.rejected",
  cancelled: "subscriptions.cancelled",
  expired: "subscriptions.expired",
};

export function Subscriptions() {
  const { t, date } = useTexts();
  const { id: at } = useInstance();
  const subscriptions = useQuery(subscriptionsQuery(at));
  const products = useQuery(productsQuery(at));
  const apis = useQuery(apisQuery(at));
  const [adding, setAdding] = useState(false);
  const [shown, setShown] = useState<Subscription | null>(null);
  const [dropping, setDropping] = useState<Subscription | null>(null);
  const [rejecting, setRejecting] = useState<Subscription | null>(null);
  const users = useQuery(usersQuery(at));
  const change = useChange(at, ({ name, state }: { name: string; state: SubscriptionState }) =>
    armCall(at, "PATCH", `/subscriptions/${name}`, { properties: { state } }, "*"),
  );
  const drop = useChange(at, (name: string) => armCall(at, "DELETE", `/subscriptions/${name}`, undefined, "*"));
  const list = subscriptions.data ?? [];
  const paged = usePaged(list, nameOf);
  const ownerOf = (one: Subscription) => {
    const name = one.properties.ownerId?.split("/").at(-1);
    const user = users.data?.find((user) => user.name === name);
    return user ? fullName(user) : name;
  };
  const scopeOf = (scope: string) => {
    const short = scope.slice(at.length);
    const name = short.split("/")[2] ?? "";
    if (short.startsWith("/products/"))
      return t("subscriptions.product", {
        name: products.data?.find((one) => one.name === name)?.properties.displayName ?? name,
      });
    if (name !== "")
      return t("subscriptions.api", {
        name: apis.data?.find((one) => one.name === name)?.properties.displayName ?? name,
      });
    return t("subscriptions.allApis");
  };
  return (
    <Page
      title={t("publisher.subscriptions")}
      actions={
        <Button appearance="primary" icon={<AddRegular />} onClick={() => setAdding(true)}>
          {t("subscriptions.add")}
        </Button>
      }
    >
      <Failure error={subscriptions.error ?? change.error ?? drop.error} />
      {subscriptions.isPending && <Loading />}
      {subscriptions.isSuccess && list.length === 0 && (
        <Empty title={t("subscriptions.none")}>{t("subscriptions.noneHint")}</Empty>
      )}
      <ListSearch paged={paged} />
      {list.length > 0 && (
        <DataTable
          label={t("publisher.subscriptions")}
          rows={paged.shown}
          keyOf={(one) => one.name}
          columns={[
            { head: t("common.name"), cell: (one) => nameOf(one) },
            { head: t("subscriptions.scope"), cell: (one) => scopeOf(one.properties.scope) },
            { head: t("subscriptions.owner"), cell: ownerOf },
            { head: t("experiments.state"), cell: (one) => t(stateTexts[one.properties.state]) },
            { head: t("experiments.created"), cell: (one) => date(one.properties.createdDate) },
            {
              className: "action-cell-wide",
              cell: (one) => (
                <>
                  <Button
                    icon={<KeyRegular />}
                    aria-label={t("subscriptions.keysOf", { name: nameOf(one) })}
                    onClick={() => setShown(one)}
                  >
                    {t("subscriptions.keys")}
                  </Button>
                  <Menu>
                    <MenuTrigger disableButtonEnhancement>
                      <Button
                        appearance="subtle"
                        icon={<MoreHorizontalRegular />}
                        aria-label={t("subscriptions.more", { name: nameOf(one) })}
                      />
                    </MenuTrigger>
                    <MenuPopover>
                      <MenuList>
                        {moves[one.properties.state].map(({ to, text }) => (
                          <MenuItem
                            key={to}
                            onClick={() =>
                              to === "rejected" ? setRejecting(one) : change.mutate({ name: one.name, state: to })
                            }
                          >
                            {t(text)}
                          </MenuItem>
                        ))}
                        <MenuItem onClick={() => setDropping(one)}>{t("common.delete")}</MenuItem>
                      </MenuList>
                    </MenuPopover>
                  </Menu>
                </>
              ),
            },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {adding && <AddDialog close={() => setAdding(false)} />}
      {shown && <KeysDialog subscription={shown} close={() => setShown(null)} />}
      {rejecting && <RejectDialog subscription={rejecting} close={() => setRejecting(null)} />}
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: nameOf(dropping) })}
          text={t("subscriptions.deleteText")}
          close={() => setDropping(null)}
          accept={() => drop.mutate(dropping.name)}
        />
      )}
    </Page>
  );
}
