// The service instances of API management.
import { Button, Link as Anchor } from "@fluentui/react-components";
import { AddRegular } from "@fluentui/react-icons";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { useInstances } from "../api/arm";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { NewInstanceDialog } from "./NewInstance";

export function Instances() {
  const { t, date } = useTexts();
  const instances = useInstances();
  const [making, setMaking] = useState(false);
  const list = instances.data ?? [];
  const paged = usePaged(list, (one) => one.name);
  return (
    <Page
      title={t("instances.title")}
      actions={
        <Button appearance="primary" icon={<AddRegular />} onClick={() => setMaking(true)}>
          {t("instances.new")}
        </Button>
      }
    >
      <Failure error={instances.error} />
      {instances.isPending && <Loading />}
      {instances.isSuccess && list.length === 0 && (
        <Empty title={t("instances.none")}>{t("instances.noneHint")}</Empty>
      )}
      <ListSearch paged={paged} />
      {list.length > 0 && (
        <DataTable
          label={t("instances.title")}
          rows={paged.shown}
          keyOf={(one) => one.id}
          columns={[
            { head: t("instances.name"), cell: (one) => <strong>{one.name}</strong> },
            { head: t("instances.organization"), cell: (one) => one.properties.publisherName },
            {
              head: t("instances.gateway"),
              cell: (one) => (
                <Anchor href={one.properties.gatewayUrl} inline>
                  {one.properties.gatewayUrl}
                </Anchor>
              ),
            },
            { head: t("instances.region"), cell: (one) => one.location },
            { head: t("instances.created"), cell: (one) => date(one.properties.createdAtUtc) },
            {
              className: "manage-cell",
              cell: (one) => (
                <Link
                  to="/publisher/$service"
                  params={{ service: one.name }}
                  aria-label={t("instances.manageWhat", { name: one.name })}
                >
                  {t("instances.manage")}
                </Link>
              ),
            },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {making && <NewInstanceDialog close={() => setMaking(false)} />}
    </Page>
  );
}
