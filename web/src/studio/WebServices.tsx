// The published web services of a workspace.
import { Table, TableBody, TableCell, TableHeader, TableHeaderCell, TableRow } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";

import { servicesQuery } from "../api/studio";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";

export function WebServices() {
  const { t, date } = useTexts();
  const { workspace } = useParams({ from: "/studio/$workspace/webservices" });
  const services = useQuery(servicesQuery(workspace));
  const list = services.data ?? [];
  const paged = usePaged(list, (one) => one.Name);
  return (
    <Page title={t("studio.webServices")}>
      <Failure error={services.error} />
      {services.isPending && <Loading />}
      {services.isSuccess && list.length === 0 && (
        <Empty title={t("services.none")}>
          {t("services.noneHint")}{" "}
          <Link to="/studio/$workspace/experiments" params={{ workspace }}>
            {t("studio.experiments")}
          </Link>
        </Empty>
      )}
      <ListSearch paged={paged} />
      {list.length > 0 && (
        <div className="table-box" tabIndex={0} role="region" aria-label={t("studio.webServices")}>
          <Table aria-label={t("studio.webServices")}>
            <TableHeader>
              <TableRow>
                <TableHeaderCell>{t("common.name")}</TableHeaderCell>
                <TableHeaderCell>{t("services.id")}</TableHeaderCell>
                <TableHeaderCell>{t("services.updated")}</TableHeaderCell>
              </TableRow>
            </TableHeader>
            <TableBody>
              {paged.shown.map((one) => (
                <TableRow key={one.Id}>
                  <TableCell>
                    <Link to="/studio/$workspace/webservices/$service" params={{ workspace, service: one.Id }}>
                      {one.Name}
                    </Link>
                  </TableCell>
                  <TableCell>
                    <code>{one.Id}</code>
                  </TableCell>
                  <TableCell>{date(one.UpdatedTime)}</TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </div>
      )}
      <MoreButton paged={paged} />
    </Page>
  );
}
