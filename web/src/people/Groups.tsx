// Groups: who sees which products.
import { Button, Field, Input, SearchBox } from "@fluentui/react-components";
import { AddRegular, DeleteRegular, EditRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";

import { armCall, slug, useChange } from "../api/publisher";
import { FormDialog } from "../publisher/FormDialog";
import { useInstance } from "../publisher/instance";
import { CheckList } from "../shell/CheckList";
import { Confirm } from "../shell/Confirm";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { fullName, type Group, groupsQuery, groupUsersQuery, productGroupsQuery, usersQuery } from "./api";

function GroupDialog({ before, close }: { before?: Group; close: () => void }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const [displayName, setName] = useState(before?.properties.displayName ?? "");
  const [description, setDescription] = useState(before?.properties.description ?? "");
  const save = useChange(at, () =>
    before
      ? armCall(at, "PATCH", `/groups/${before.name}`, { properties: { displayName, description } }, "*")
      : armCall(at, "PUT", `/groups/${slug(displayName)}`, { properties: { displayName, description } }),
  );
  return (
    <FormDialog
      title={before ? t("groups.edit") : t("groups.add")}
      accept={t("common.save")}
      ready={displayName !== ""}
      busy={save.isPending}
      error={save.error}
      submit={() => save.mutate(undefined, { onSuccess: close })}
      close={close}
    >
      <Field label={t("groups.name")} required>
        <Input value={displayName} onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label={t("operations.description")}>
        <Input value={description} onChange={(_, data) => setDescription(data.value)} />
      </Field>
    </FormDialog>
  );
}

export function Groups() {
  const { t } = useTexts();
  const instance = useInstance();
  const groups = useQuery(groupsQuery(instance.id));
  const [adding, setAdding] = useState(false);
  const rows = groups.data ?? [];
  const paged = usePaged(rows, (one) => one.properties.displayName);
  return (
    <Page
      title={t("publisher.groups")}
      actions={
        <Button appearance="primary" icon={<AddRegular />} onClick={() => setAdding(true)}>
          {t("groups.add")}
        </Button>
      }
    >
      <p className="quiet">{t("groups.hint")}</p>
      <Failure error={groups.error} />
      {groups.isPending && <Loading />}
      <ListSearch paged={paged} />
      {rows.length > 0 && (
        <DataTable
          label={t("publisher.groups")}
          rows={paged.shown}
          keyOf={(one) => one.name}
          columns={[
            {
              head: t("common.name"),
              cell: (one) => (
                <Link to="/publisher/$service/groups/$group" params={{ service: instance.name, group: one.name }}>
                  {one.properties.displayName}
                </Link>
              ),
            },
            { head: t("operations.description"), cell: (one) => one.properties.description },
            {
              head: t("groups.kind"),
              cell: (one) => (one.properties.builtIn ? t("groups.builtIn") : t("groups.own")),
            },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {adding && <GroupDialog close={() => setAdding(false)} />}
    </Page>
  );
}

const offered = 10;

/** Finds users who are not in the group yet. */
function AddMembers({ group, members }: { group: string; members: Set<string> }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const users = useQuery(usersQuery(at));
  const [words, setWords] = useState("");
  const add = useChange(at, (user: string) => armCall(at, "PUT", `/groups/${group}/users/${user}`));
  const wanted = words.toLowerCase();
  const found = (users.data ?? []).filter(
    (one) => !members.has(one.name) && `${fullName(one)} ${one.properties.email}`.toLowerCase().includes(wanted),
  );
  return (
    <section>
      <h2>{t("groups.addMembers")}</h2>
      <Failure error={users.error ?? add.error} />
      <SearchBox
        className="list-search"
        aria-label={t("groups.findUser")}
        placeholder={t("groups.findUser")}
        value={words}
        onChange={(_, data) => setWords(data.value)}
      />
      {users.isSuccess && found.length === 0 && <p className="quiet">{t("groups.nobodyLeft")}</p>}
      <ul className="plain-list">
        {found.slice(0, offered).map((one) => (
          <li key={one.name}>
            <span>
              {fullName(one)} <span className="quiet">{one.properties.email}</span>
            </span>
            <Button
              size="small"
              icon={<AddRegular />}
              disabled={add.isPending}
              aria-label={t("groups.addWho", { name: fullName(one) })}
              onClick={() => add.mutate(one.name)}
            >
              {t("groups.addOne")}
            </Button>
          </li>
        ))}
      </ul>
      {found.length > offered && <p className="quiet">{t("groups.narrow", { count: found.length - offered })}</p>}
    </section>
  );
}

export function GroupPage() {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const { service, group } = useParams({ from: "/publisher/$service/groups/$group" });
  const groups = useQuery(groupsQuery(at));
  const members = useQuery(groupUsersQuery(at, group));
  const navigate = useNavigate();
  const [editing, setEditing] = useState(false);
  const [dropping, setDropping] = useState(false);
  const remove = useChange(at, (user: string) => armCall(at, "DELETE", `/groups/${group}/users/${user}`));
  const drop = useChange(at, () => armCall(at, "DELETE", `/groups/${group}`, undefined, "*"));
  const paged = usePaged(members.data ?? [], (one) => `${fullName(one)} ${one.properties.email}`);
  if (groups.error) return <Failure error={groups.error} />;
  if (!groups.data) return <Loading />;
  const found = groups.data.find((one) => one.name.toLowerCase() === group.toLowerCase());
  if (!found) {
    return (
      <Empty title={t("groups.gone")}>
        <Link to="/publisher/$service/groups" params={{ service }}>
          {t("publisher.groups")}
        </Link>
      </Empty>
    );
  }
  const { displayName, description, builtIn } = found.properties;
  return (
    <Page
      title={displayName}
      actions={
        <>
          <Button icon={<EditRegular />} onClick={() => setEditing(true)}>
            {t("common.edit")}
          </Button>
          {!builtIn && (
            <Button icon={<DeleteRegular />} onClick={() => setDropping(true)}>
              {t("common.delete")}
            </Button>
          )}
        </>
      }
    >
      {description && <p>{description}</p>}
      {builtIn && <p className="quiet">{t("groups.computed")}</p>}
      <Failure error={members.error ?? remove.error ?? drop.error} />
      <section>
        <h2>{t("groups.members")}</h2>
        {members.isPending && <Loading />}
        {members.isSuccess && members.data.length === 0 && <p className="quiet">{t("groups.noMembers")}</p>}
        <ListSearch paged={paged} />
        {paged.shown.length > 0 && (
          <DataTable
            label={t("groups.members")}
            rows={paged.shown}
            keyOf={(one) => one.name}
            columns={[
              { head: t("common.name"), cell: fullName },
              { head: t("person.email"), cell: (one) => one.properties.email },
              ...(builtIn
                ? []
                : [
                    {
                      className: "action-cell-wide",
                      cell: (one: Parameters<typeof fullName>[0]) => (
                        <Button
                          size="small"
                          aria-label={t("groups.removeWho", { name: fullName(one) })}
                          disabled={remove.isPending}
                          onClick={() => remove.mutate(one.name)}
                        >
                          {t("groups.remove")}
                        </Button>
                      ),
                    },
                  ]),
            ]}
          />
        )}
        <MoreButton paged={paged} />
      </section>
      {!builtIn && members.data && (
        <AddMembers group={group} members={new Set(members.data.map((one) => one.name))} />
      )}
      {editing && <GroupDialog before={found} close={() => setEditing(false)} />}
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: displayName })}
          text={t("groups.deleteText")}
          close={() => setDropping(false)}
          accept={() =>
            drop.mutate(undefined, {
              onSuccess: () => void navigate({ to: "/publisher/$service/groups", params: { service } }),
            })
          }
        />
      )}
    </Page>
  );
}

/** Stands on the page of a product: which groups see it. */
export function ProductVisibility({ product }: { product: string }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const all = useQuery(groupsQuery(at));
  const mine = useQuery(productGroupsQuery(at, product));
  const change = useChange(at, ({ group, on }: { group: string; on: boolean }) =>
    armCall(at, on ? "PUT" : "DELETE", `/products/${product}/groups/${group}`),
  );
  const names = new Set(mine.data?.map((one) => one.name));
  return (
    <section>
      <h2>{t("products.visibility")}</h2>
      <p className="quiet">{t("products.visibilityHint")}</p>
      <Failure error={all.error ?? mine.error ?? change.error} />
      {mine.data && all.data && (
        <CheckList
          list={all.data}
          marked={names}
          disabled={change.isPending}
          onChange={(group, on) => change.mutate({ group, on })}
        />
      )}
    </section>
  );
}
