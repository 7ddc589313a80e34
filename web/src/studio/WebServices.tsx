// The published web services of a workspace.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";

import { servicesQuery } from "../api/studio";
import { DataTable } from "../shell/DataTable";
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
        <DataTable
          label={t("studio.webServices")}
          rows={paged.shown}
          keyOf={(one) => one.Id}
          columns={[
            {
              head: t("common.name"),
              cell: (one) => (
                <Link to="/studio/$workspace/webservices/$service" params={{ workspace, service: one.Id }}>
                  {one.Name}
                </Link>
              ),
            },
            { head: t("services.id"), cell: (one) => <code>{one.Id}</code> },
            { head: t("services.updated"), cell: (one) => date(one.UpdatedTime) },
          ]}
        />
      )}
      <MoreButton paged={paged} />
    </Page>
  );
}
