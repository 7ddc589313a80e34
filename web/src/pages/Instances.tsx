// The service instances of API management.
import { Button, Link as Anchor, Table, TableBody, TableCell, TableHeader, TableHeaderCell, TableRow } from "@fluentui/react-components";
import { AddRegular } from "@fluentui/react-icons";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { useInstances } from "../api/arm";
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
        <div className="table-box" tabIndex={0} role="region" aria-label={t("instances.title")}>
          <Table aria-label={t("instances.title")}>
            <TableHeader>
              <TableRow>
                <TableHeaderCell>{t("instances.name")}</TableHeaderCell>
                <TableHeaderCell>{t("instances.organization")}</TableHeaderCell>
                <TableHeaderCell>{t("instances.gateway")}</TableHeaderCell>
                <TableHeaderCell>{t("instances.region")}</TableHeaderCell>
                <TableHeaderCell>{t("instances.created")}</TableHeaderCell>
                <TableHeaderCell className="manage-cell">
                  <span className="hidden">{t("common.actions")}</span>
                </TableHeaderCell>
              </TableRow>
            </TableHeader>
            <TableBody>
              {paged.shown.map((one) => (
                <TableRow key={one.id}>
                  <TableCell>
                    <strong>{one.name}</strong>
                  </TableCell>
                  <TableCell>{one.properties.publisherName}</TableCell>
                  <TableCell>
                    <Anchor href={one.properties.gatewayUrl} inline>
                      {one.properties.gatewayUrl}
                    </Anchor>
                  </TableCell>
                  <TableCell>{one.location}</TableCell>
                  <TableCell>{date(one.properties.createdAtUtc)}</TableCell>
                  <TableCell className="manage-cell">
                    <Link
                      to="/publisher/$service"
                      params={{ service: one.name }}
                      aria-label={t("instances.manageWhat", { name: one.name })}
                    >
                      {t("instances.manage")}
                    </Link>
                  </TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </div>
      )}
      <MoreButton paged={paged} />
      {making && <NewInstanceDialog close={() => setMaking(false)} />}
    </Page>
  );
}
