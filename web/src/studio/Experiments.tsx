// The experiments of a workspace.
import { Button } from "@fluentui/react-components";
import { AddRegular, DeleteRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";

import { type Experiment, experimentsQuery, useCreateExperiment, useDeleteExperiment } from "../api/studio";
import { Confirm } from "../shell/Confirm";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Empty, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { stateText } from "./states";

export function Experiments() {
  const { t, date } = useTexts();
  const { workspace } = useParams({ from: "/studio/$workspace/experiments" });
  const experiments = useQuery(experimentsQuery(workspace));
  const create = useCreateExperiment(workspace);
  const drop = useDeleteExperiment(workspace);
  const navigate = useNavigate();
  const [dropping, setDropping] = useState<Experiment | null>(null);
  const list = experiments.data ?? [];
  const paged = usePaged(list, (one) => one.Description);
  const begin = () =>
    create.mutate(t("experiment.blankName", { date: date(new Date()) }), {
      onSuccess: (made) =>
        void navigate({
          to: "/studio/$workspace/experiments/$experiment",
          params: { workspace, experiment: made.ExperimentId },
        }),
    });
  return (
    <Page
      title={t("studio.experiments")}
      actions={
        <Button appearance="primary" icon={<AddRegular />} onClick={begin} disabled={create.isPending}>
          {t("experiments.blank")}
        </Button>
      }
    >
      <Failure error={experiments.error ?? create.error ?? drop.error} />
      {experiments.isPending && <Loading />}
      {experiments.isSuccess && list.length === 0 && (
        <Empty title={t("experiments.none")}>{t("experiments.noneHint")}</Empty>
      )}
      <ListSearch paged={paged} />
      {list.length > 0 && (
        <DataTable
          label={t("studio.experiments")}
          rows={paged.shown}
          keyOf={(one) => one.ExperimentId}
          columns={[
            {
              head: t("common.name"),
              cell: (one) => (
                <Link
                  to="/studio/$workspace/experiments/$experiment"
                  params={{ workspace, experiment: one.ExperimentId }}
                >
                  {one.Description}
                </Link>
              ),
            },
            { head: t("experiments.state"), cell: (one) => stateText(one.Status.StatusCode, t) },
            { head: t("experiments.created"), cell: (one) => one.Status.CreationTime && date(one.Status.CreationTime) },
            {
              className: "action-cell",
              cell: (one) => (
                <Button
                  appearance="subtle"
                  icon={<DeleteRegular />}
                  aria-label={t("common.deleteWhat", { what: one.Description })}
                  onClick={() => setDropping(one)}
                />
              ),
            },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: dropping.Description })}
          text={t("experiments.deleteText")}
          close={() => setDropping(null)}
          accept={() => drop.mutate(dropping.ExperimentId)}
        />
      )}
    </Page>
  );
}
