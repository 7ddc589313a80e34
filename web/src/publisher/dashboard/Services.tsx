// The web services of this installation and their batch jobs, beside the calls of the APIs.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { call } from "../../api/http";
import { type Endpoint, type Job, jobsMax, type JobState, readJobs, servicesQuery, type WebServiceInfo, workspacesQuery } from "../../api/studio";
import { DataTable } from "../../shell/DataTable";
import { Failure } from "../../shell/parts";
import { useTexts } from "../../texts/texts";

interface Found {
  workspace: string;
  service: WebServiceInfo;
  jobs: Job[];
}

async function jobsOf(workspace: string, service: WebServiceInfo): Promise<Job[]> {
  const base = `/workspaces/${workspace}/webservices/${service.Id}/endpoints`;
  const endpoints = await call<Endpoint[]>("GET", base);
  const lists = await Promise.all(endpoints.map((one) => readJobs(one, jobsMax)));
  return lists.flat().sort((a, b) => b.CreatedTime.localeCompare(a.CreatedTime));
}

const shownMax = 20;

export function Services() {
  const { t, date, number } = useTexts();
  const workspaces = useQuery(workspacesQuery);
  const found = useQuery({
    queryKey: ["dashboard", "services", workspaces.data?.map((one) => one.WorkspaceId)],
    enabled: workspaces.isSuccess,
    queryFn: async ({ client }) => {
      const out: Found[] = [];
      for (const workspace of workspaces.data ?? [])
        for (const service of await client.fetchQuery(servicesQuery(workspace.WorkspaceId)))
          if (out.length < shownMax) out.push({ workspace: workspace.WorkspaceId, service, jobs: await jobsOf(workspace.WorkspaceId, service) });
      return out;
    },
    refetchInterval: 5000,
  });
  const rows = found.data ?? [];
  const count = (row: Found, states: JobState[]) => number(row.jobs.filter((job) => states.includes(job.State)).length);
  return (
    <section>
      <h2>{t("usage.services")}</h2>
      <Failure error={workspaces.error ?? found.error} />
      {found.isSuccess && rows.length === 0 && (
        <p className="quiet">
          {t("usage.noServices")} <Link to="/studio">{t("shell.studio")}</Link>
        </p>
      )}
      {rows.length > 0 && (
        <DataTable
          label={t("usage.services")}
          rows={rows}
          keyOf={(row) => row.service.Id}
          columns={[
            {
              head: t("common.name"),
              cell: (row) => (
                <Link
                  to="/studio/$workspace/webservices/$service"
                  params={{ workspace: row.workspace, service: row.service.Id }}
                >
                  {row.service.Name}
                </Link>
              ),
            },
            { head: t("usage.jobsRunning"), cell: (row) => count(row, ["Queued", "Running"]) },
            { head: t("usage.jobsFinished"), cell: (row) => count(row, ["Finished"]) },
            { head: t("usage.jobsFailed"), cell: (row) => count(row, ["Failed", "Cancelled"]) },
            { head: t("usage.lastJob"), cell: (row) => (row.jobs[0] ? date(row.jobs[0].CreatedTime) : "-") },
          ]}
        />
      )}
    </section>
  );
}
