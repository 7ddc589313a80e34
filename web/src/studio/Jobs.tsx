// The batch jobs of an endpoint as they go: place in line, what they wait for, progress, time left, why one failed.
import { Button, ProgressBar } from "@fluentui/react-components";
import { DeleteRegular, DismissRegular } from "@fluentui/react-icons";
import { useState } from "react";

import { type Endpoint, hasEnded, type Job, jobsMax, type JobState, useDeleteJob, useJobs } from "../api/studio";
import { Confirm } from "../shell/Confirm";
import { DataTable } from "../shell/DataTable";
import { pageSize } from "../shell/paging";
import { Failure } from "../shell/parts";
import { type TextKey, useTexts } from "../texts/texts";

const stateTexts: Record<JobState, TextKey> = {
  NotStarted: "jobs.notStarted",
  Queued: "jobs.queued",
  Running: "jobs.running",
  Failed: "jobs.failed",
  Cancelled: "jobs.cancelled",
  Finished: "jobs.finished",
};

function State({ job }: { job: Job }) {
  const { t, number } = useTexts();
  return (
    <>
      {t(stateTexts[job.State])}
      {job.Place !== null && <div>{t("jobs.place", { place: number(job.Place) })}</div>}
      {job.WaitingFor && <div className="quiet">{job.WaitingFor}</div>}
      {job.Details && <div className="problem">{job.Details}</div>}
    </>
  );
}

function Rows({ job }: { job: Job }) {
  const { t, number } = useTexts();
  return (
    <>
      {number(job.RowsDone)}
      {job.RowsSkipped > 0 && <div className="quiet">{t("jobs.skipped", { rows: number(job.RowsSkipped) })}</div>}
    </>
  );
}

/** "0:07", "12:30", "3:05:00" */
function clockText(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function Progress({ job }: { job: Job }) {
  const { t, number } = useTexts();
  if (job.State === "Finished")
    return (
      <>
        {job.Outputs.map((one) => one.Location).join("\n")}
        {job.RowsSkipped > 0 && job.Report && <div>{t("jobs.report", { report: job.Report })}</div>}
      </>
    );
  if (job.State !== "Running") return null;
  const part = job.BytesTotal ? job.BytesDone / job.BytesTotal : undefined;
  return (
    <>
      <ProgressBar value={part} aria-label={t("jobs.progressOf", { job: job.Id })} />
      {part !== undefined && `${number(Math.floor(100 * part))} %`}
      {job.SecondsLeft !== null && <div>{t("jobs.left", { time: clockText(job.SecondsLeft) })}</div>}
    </>
  );
}

/** Cancels a job that has not ended, and removes the record of one that has. */
function EndButton({ job, choose }: { job: Job; choose: (job: Job) => void }) {
  const { t } = useTexts();
  const over = hasEnded(job);
  return (
    <Button
      appearance="subtle"
      icon={over ? <DeleteRegular /> : <DismissRegular />}
      aria-label={t(over ? "jobs.remove" : "jobs.cancelWhat", { job: job.Id })}
      onClick={() => choose(job)}
    >
      {over ? undefined : t("jobs.cancel")}
    </Button>
  );
}

export function Jobs({ endpoint }: { endpoint: Endpoint }) {
  const { t, date } = useTexts();
  const [limit, setLimit] = useState(pageSize);
  const jobs = useJobs(endpoint, limit);
  const end = useDeleteJob(endpoint);
  const [chosen, setChosen] = useState<Job | null>(null);
  const list = jobs.data ?? [];
  // A job that has ended meanwhile is not to be removed by who wanted to cancel it.
  const isAsked = chosen && list.some((job) => job.Id === chosen.Id && hasEnded(job) === hasEnded(chosen));
  return (
    <section>
      <h2>{t("jobs.title")}</h2>
      <Failure error={jobs.error ?? end.error} />
      {jobs.isSuccess && list.length === 0 && <p className="quiet">{t("jobs.none")}</p>}
      {list.length > 0 && (
        <DataTable
          label={t("jobs.title")}
          rows={list}
          keyOf={(job) => job.Id}
          columns={[
            { head: t("jobs.id"), cell: (job) => <code>{job.Id}</code> },
            { head: t("experiments.state"), cell: (job) => <State job={job} /> },
            { head: t("jobs.rows"), className: "rows-cell", cell: (job) => <Rows job={job} /> },
            { head: t("jobs.progress"), className: "progress-cell", cell: (job) => <Progress job={job} /> },
            { head: t("experiments.created"), cell: (job) => date(job.CreatedTime) },
            { className: "job-action-cell", cell: (job) => <EndButton job={job} choose={setChosen} /> },
          ]}
        />
      )}
      {list.length === limit && limit < jobsMax && (
        <div className="more">
          <Button onClick={() => setLimit(Math.min(limit + pageSize, jobsMax))}>{t("jobs.older")}</Button>
        </div>
      )}
      {isAsked && (
        <Confirm
          title={t(hasEnded(chosen) ? "jobs.remove" : "jobs.cancelWhat", { job: chosen.Id })}
          text={t(hasEnded(chosen) ? "jobs.removeText" : "jobs.cancelText")}
          close={() => setChosen(null)}
          accept={() => end.mutate(chosen)}
        />
      )}
    </section>
  );
}
