// The users of an instance: who they are, what they may do, and which groups they are in.
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
} from "@fluentui/react-components";
import { MoreHorizontalRegular, PersonAddRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { armCall, useChange } from "../api/publisher";
import { FormDialog } from "../publisher/FormDialog";
import { useInstance } from "../publisher/instance";
import { CheckList } from "../shell/CheckList";
import { Confirm } from "../shell/Confirm";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { type TextKey, useTexts } from "../texts/texts";
import { administrator, fullName, groupsQuery, type User, userGroupsQuery, type UserState, usersQuery } from "./api";

const stateTexts: Record<UserState, TextKey> = {
  active: "users.active",
  blocked: "users.blocked",
  pending: "users.pending",
  deleted: "users.deleted",
};

const newName = () => crypto.randomUUID().replaceAll("-", "").slice(0, 24);

function InviteDialog({ close, done }: { close: () => void; done: (email: string) => void }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const [firstName, setFirst] = useState("");
  const [lastName, setLast] = useState("");
  const [email, setEmail] = useState("");
  const [name] = useState(newName);
  const invite = useChange(at, () =>
    armCall(at, "PUT", `/users/${name}`, { properties: { firstName, lastName, email, confirmation: "invite" } }),
  );
  return (
    <FormDialog
      title={t("users.invite")}
      accept={t("users.sendInvitation")}
      ready={firstName !== "" && lastName !== "" && email !== ""}
      busy={invite.isPending}
      error={invite.error}
      submit={() =>
        invite.mutate(undefined, {
          onSuccess: () => {
            done(email);
            close();
          },
        })
      }
      close={close}
    >
      <Field label={t("users.firstName")} required>
        <Input value={firstName} onChange={(_, data) => setFirst(data.value)} />
      </Field>
      <Field label={t("users.lastName")} required>
        <Input value={lastName} onChange={(_, data) => setLast(data.value)} />
      </Field>
      <Field label={t("person.email")} required hint={t("users.inviteHint")}>
        <Input type="email" value={email} onChange={(_, data) => setEmail(data.value)} />
      </Field>
    </FormDialog>
  );
}

function GroupsDialog({ user, close }: { user: User; close: () => void }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const all = useQuery(groupsQuery(at));
  const mine = useQuery(userGroupsQuery(at, user.name));
  const change = useChange(at, ({ group, on }: { group: string; on: boolean }) =>
    armCall(at, on ? "PUT" : "DELETE", `/groups/${group}/users/${user.name}`),
  );
  const names = new Set(mine.data?.map((one) => one.name));
  const own = all.data?.filter((one) => !one.properties.builtIn) ?? [];
  const builtIn = all.data?.filter((one) => one.properties.builtIn && names.has(one.name)) ?? [];
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface aria-describedby={undefined}>
        <DialogBody>
          <DialogTitle>{t("users.groupsOf", { name: fullName(user) })}</DialogTitle>
          <DialogContent className="fields">
            <Failure error={all.error ?? mine.error ?? change.error} />
            {(all.isPending || mine.isPending) && <Loading />}
            {builtIn.length > 0 && (
              <p className="quiet">
                {t("users.builtInGroups", { groups: builtIn.map((one) => one.properties.displayName).join(", ") })}
              </p>
            )}
            {all.isSuccess && own.length === 0 && <p>{t("users.noOwnGroups")}</p>}
            {mine.isSuccess && (
              <CheckList
                list={own}
                marked={names}
                disabled={change.isPending}
                onChange={(group, on) => change.mutate({ group, on })}
              />
            )}
          </DialogContent>
          <DialogActions>
            <Button onClick={close}>{t("common.close")}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

export function Users() {
  const { t, date } = useTexts();
  const { id: at } = useInstance();
  const users = useQuery(usersQuery(at));
  const [inviting, setInviting] = useState(false);
  const [grouping, setGrouping] = useState<User | null>(null);
  const [dropping, setDropping] = useState<User | null>(null);
  const [said, setSaid] = useState("");
  const setState = useChange(at, ({ name, state }: { name: string; state: UserState }) =>
    armCall(at, "PATCH", `/users/${name}`, { properties: { state } }, "*"),
  );
  const reset = useChange(at, (user: User) => armCall(at, "POST", `/users/${user.name}/confirmations/password/send`));
  const drop = useChange(at, (name: string) =>
    armCall(at, "DELETE", `/users/${name}?deleteSubscriptions=true&notify=true`, undefined, "*"),
  );
  const rows = users.data ?? [];
  const paged = usePaged(rows, (one) => `${fullName(one)} ${one.properties.email}`);
  const onlyAdministrator = rows.length === 1 && rows[0]!.name === administrator;
  const mailed = (email: string) => setSaid(t("users.mailed", { email }));

  const actions = (one: User) => (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          icon={<MoreHorizontalRegular />}
          aria-label={t("subscriptions.more", { name: fullName(one) })}
        />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuItem onClick={() => setGrouping(one)}>{t("publisher.groups")}</MenuItem>
          {one.name !== administrator && (
            <>
              {one.properties.state === "active" ? (
                <MenuItem onClick={() => setState.mutate({ name: one.name, state: "blocked" })}>
                  {t("users.block")}
                </MenuItem>
              ) : (
                <MenuItem onClick={() => setState.mutate({ name: one.name, state: "active" })}>
                  {t("users.activate")}
                </MenuItem>
              )}
              <MenuItem onClick={() => reset.mutate(one, { onSuccess: () => mailed(one.properties.email) })}>
                {one.properties.state === "pending" ? t("users.inviteAgain") : t("users.reset")}
              </MenuItem>
              <MenuItem onClick={() => setDropping(one)}>{t("common.delete")}</MenuItem>
            </>
          )}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
  return (
    <Page
      title={t("publisher.users")}
      actions={
        <Button appearance="primary" icon={<PersonAddRegular />} onClick={() => setInviting(true)}>
          {t("users.invite")}
        </Button>
      }
    >
      <Failure error={users.error ?? setState.error ?? reset.error ?? drop.error} />
      <p role="status" className="quiet">
        {said}
      </p>
      {users.isPending && <Loading />}
      <ListSearch paged={paged} />
      {rows.length > 0 && (
        <DataTable
          label={t("publisher.users")}
          rows={paged.shown}
          keyOf={(one) => one.name}
          columns={[
            { head: t("common.name"), cell: fullName },
            { head: t("person.email"), cell: (one) => one.properties.email },
            { head: t("experiments.state"), cell: (one) => t(stateTexts[one.properties.state]) },
            { head: t("users.registered"), cell: (one) => date(one.properties.registrationDate) },
            { className: "action-cell", cell: actions },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {onlyAdministrator && <Empty title={t("users.none")}>{t("users.noneHint")}</Empty>}
      {inviting && <InviteDialog close={() => setInviting(false)} done={mailed} />}
      {grouping && <GroupsDialog user={grouping} close={() => setGrouping(null)} />}
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: fullName(dropping) })}
          text={t("users.deleteText")}
          close={() => setDropping(null)}
          accept={() => drop.mutate(dropping.name)}
        />
      )}
    </Page>
  );
}
