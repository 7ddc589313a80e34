// The datasets of a workspace: samples and one's own, with upload and a look inside.
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
  ProgressBar,
  Select,
} from "@fluentui/react-components";
import { AddRegular, ChartMultipleRegular, CheckmarkRegular, DeleteRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import {
  type Dataset,
  datasetsQuery,
  downloadAddress,
  isSample,
  readDatasetPreview,
  useDeleteDataset,
  useUploadDataset,
} from "../api/studio";
import { Confirm } from "../shell/Confirm";
import { DataTable } from "../shell/DataTable";
import { ListSearch, MoreButton, usePaged } from "../shell/paging";
import { Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { VisualizeDialog, type Visualized } from "./Visualize";

const types = ["GenericCSV", "GenericCSVNoHeader", "GenericTSV", "GenericTSVNoHeader"] as const;

function guessType(file: File): string {
  return file.name.toLowerCase().endsWith(".tsv") ? "GenericTSV" : "GenericCSV";
}

function UploadDialog({ workspace, close }: { workspace: string; close: () => void }) {
  const { t } = useTexts();
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [dataTypeId, setType] = useState<string>("GenericCSV");
  const [done, setDone] = useState(0);
  const upload = useUploadDataset(workspace);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!file) return;
    setDone(0);
    upload.mutate({ file, name, description, dataTypeId, onProgress: setDone }, { onSuccess: close });
  };
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && !upload.isPending && close()}>
      <DialogSurface aria-describedby={undefined}>
        <form onSubmit={submit}>
          <DialogBody>
            <DialogTitle>{t("upload.title")}</DialogTitle>
            <DialogContent className="fields">
              <Field label={t("upload.file")} required>
                {(control) => (
                  <input
                    {...control}
                    type="file"
                    accept=".csv,.tsv,.txt"
                    onChange={(event) => {
                      const chosen = event.target.files?.[0] ?? null;
                      setFile(chosen);
                      if (!chosen) return;
                      setType(guessType(chosen));
                      if (name === "") setName(chosen.name);
                    }}
                  />
                )}
              </Field>
              <Field label={t("upload.name")} required>
                <Input value={name} onChange={(_, data) => setName(data.value)} />
              </Field>
              <Field label={t("upload.type")}>
                <Select value={dataTypeId} onChange={(_, data) => setType(data.value)}>
                  {types.map((type) => (
                    <option key={type} value={type}>
                      {t(`upload.${type}`)}
                    </option>
                  ))}
                </Select>
              </Field>
              <Field label={t("upload.description")}>
                <Input value={description} onChange={(_, data) => setDescription(data.value)} />
              </Field>
              {upload.isPending && (
                <Field validationState="none" validationMessage={t("upload.progress", { percent: Math.round(done * 100) })}>
                  <ProgressBar value={done} aria-label={t("upload.title")} />
                </Field>
              )}
              <Failure error={upload.error} />
            </DialogContent>
            <DialogActions>
              <Button onClick={close} disabled={upload.isPending}>
                {t("common.cancel")}
              </Button>
              <Button
                appearance="primary"
                type="submit"
                icon={<CheckmarkRegular />}
                disabled={!file || name.trim() === "" || upload.isPending}
              >
                {t("upload.start")}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}

function sizeText(bytes: number, number: (value: number) => string): string {
  if (bytes < 1024) return `${number(bytes)} B`;
  if (bytes < 1 << 20) return `${number(Math.round(bytes / 102.4) / 10)} KiB`;
  return `${number(Math.round(bytes / 104857.6) / 10)} MiB`;
}

export function Datasets() {
  const { t, date, number } = useTexts();
  const { workspace } = useParams({ from: "/studio/$workspace/datasets" });
  const datasets = useQuery(datasetsQuery(workspace));
  const list = datasets.data ?? [];
  const paged = usePaged(list, (one) => one.Name);
  const drop = useDeleteDataset(workspace);
  const [uploading, setUploading] = useState(false);
  const [shown, setShown] = useState<Visualized | null>(null);
  const [dropping, setDropping] = useState<Dataset | null>(null);
  // .NET ticks: tenths of microseconds since the year 1.
  const created = (one: Dataset) => date((one.CreatedDateTicks - 621_355_968_000_000_000) / 10_000);
  return (
    <Page
      title={t("studio.datasets")}
      actions={
        <Button appearance="primary" icon={<AddRegular />} onClick={() => setUploading(true)}>
          {t("datasets.new")}
        </Button>
      }
    >
      <Failure error={datasets.error ?? drop.error} />
      {datasets.isPending && <Loading />}
      <ListSearch paged={paged} />
      {datasets.data && (
        <DataTable
          label={t("studio.datasets")}
          rows={paged.shown}
          keyOf={(one) => one.Id}
          columns={[
            {
              head: t("common.name"),
              cell: (one) => (
                <>
                  <a href={downloadAddress(one)} download={one.UploadedFromFilename || one.Name}>
                    {one.Name}
                  </a>
                  {one.Description && <div className="quiet">{one.Description}</div>}
                </>
              ),
            },
            { head: t("datasets.kind"), cell: (one) => isSample(one) ? t("datasets.sample") : one.DataTypeId },
            { head: t("datasets.size"), cell: (one) => sizeText(one.Size, number) },
            { head: t("experiments.created"), cell: (one) => isSample(one) ? "" : created(one) },
            {
              className: "action-cell-wide",
              cell: (one) => (
                <>
                  <Button
                    icon={<ChartMultipleRegular />}
                    aria-label={t("datasets.visualizeWhat", { what: one.Name })}
                    onClick={() => setShown({ title: one.Name, key: [one.Id], read: () => readDatasetPreview(one) })}
                  >
                    {t("datasets.visualize")}
                  </Button>
                  {!isSample(one) && (
                    <Button
                      appearance="subtle"
                      icon={<DeleteRegular />}
                      aria-label={t("common.deleteWhat", { what: one.Name })}
                      onClick={() => setDropping(one)}
                    />
                  )}
                </>
              ),
            },
          ]}
        />
      )}
      <MoreButton paged={paged} />
      {uploading && <UploadDialog workspace={workspace} close={() => setUploading(false)} />}
      {shown && <VisualizeDialog what={shown} close={() => setShown(null)} />}
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: dropping.Name })}
          text={t("datasets.deleteText")}
          close={() => setDropping(null)}
          accept={() => drop.mutate(dropping)}
        />
      )}
    </Page>
  );
}
