// The Studio interface and that of published web services, as the studio's pages use them.
import { keepPreviousData, queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { call, send } from "./http";

export interface Workspace {
  WorkspaceId: string;
  FriendlyName: string;
}
export type ParameterType = "Int" | "Double" | "Boolean" | "String" | "Enumerated" | "ColumnPicker";
export interface ModuleParameter {
  Name: string;
  Type: ParameterType;
  Description: string;
  DefaultValue: unknown;
  MinValue: number | null;
  MaxValue: number | null;
  Choices: string[];
}
export interface Port {
  Name: string;
  Number: number;
  DataTypes: string[];
}
export interface ModuleInfo {
  Id: string;
  FamilyId: string;
  Name: string;
  Category: string;
  Description: string;
  InputPorts: Port[];
  OutputPorts: Port[];
  Parameters: ModuleParameter[];
}
interface EndPoint {
  Location: string;
  AccessCredential: string;
}
export interface Dataset {
  Id: string;
  Name: string;
  Description: string;
  DataTypeId: string;
  FamilyId: string;
  Size: number;
  CreatedDateTicks: number;
  UploadedFromFilename: string;
  DownloadLocation: EndPoint;
  VisualizeEndPoint: EndPoint;
  SchemaEndPoint: EndPoint;
}
export type RunState = "InDraft" | "NotStarted" | "Running" | "Finished" | "Failed";
export interface Status {
  StatusCode: RunState;
  StatusDetail: string | null;
  CreationTime: string | null;
  EndTime: string | null;
}
export interface Experiment {
  ExperimentId: string;
  Description: string;
  Summary: string;
  Status: Status;
  Etag: string;
  WebServiceGroupId: string | null;
  NodeStatuses: { NodeId: string; Status: Status }[];
  Graph: unknown;
  WebService: unknown;
}
export interface ColumnStatistics {
  Name: string;
  Type: string;
  Count: number;
  Missing: number;
  Unique: number;
  UniqueIsCapped: boolean;
  Min: number | null;
  Max: number | null;
  Mean: number | null;
  Median: number | null;
  StandardDeviation: number | null;
  Mode: string | null;
  Histogram: { From?: number; To?: number; Value?: string; Count: number }[];
}
export interface Preview {
  RowCount: number;
  ColumnCount: number;
  Columns: ColumnStatistics[];
  Rows: (string | null)[][];
}
export interface ColumnSchema {
  Name: string;
  Type: string;
}
export interface WebServiceInfo {
  Id: string;
  Name: string;
  Description: string;
  CreationTime: string;
  UpdatedTime: string;
  EndpointCount: number;
  ExperimentId: string;
}
export interface Endpoint {
  Id: string;
  Name: string;
  WorkspaceId: string;
  WebServiceId: string;
  PrimaryKey: string;
  SecondaryKey: string;
  UpdatedTime: string;
}
export interface Swagger {
  definitions: Record<string, { properties?: Record<string, { type?: string; format?: string; $ref?: string }> }>;
}
export type JobState = "NotStarted" | "Queued" | "Running" | "Failed" | "Cancelled" | "Finished";
export interface Job {
  Id: string;
  State: JobState;
  CreatedTime: string;
  Outputs: { Name: string; Location: string }[];
  Report: string | null;
  RowsDone: number;
  RowsSkipped: number;
  BytesDone: number;
  BytesTotal: number | null;
  SecondsLeft: number | null;
  /** Of a job that waits: 1 is the next. */
  Place: number | null;
  WaitingFor: string | null;
  /** Why a job failed. */
  Details: string | null;
}

const studio = (workspace: string) => `/api/workspaces/${workspace}`;

export const workspacesQuery = queryOptions({
  queryKey: ["workspaces"],
  queryFn: () => call<Workspace[]>("GET", "/api/workspaces"),
  staleTime: 60_000,
});

export const modulesQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["modules", workspace],
    queryFn: () => call<ModuleInfo[]>("GET", `${studio(workspace)}/modules`),
    staleTime: Infinity,
  });

export const datasetsQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["datasets", workspace],
    queryFn: () => call<Dataset[]>("GET", `${studio(workspace)}/datasources`),
  });

export const isSample = (dataset: Dataset) => dataset.Id.startsWith("506153734175476c4f62416c57734963");
const signed = (at: EndPoint) => `/${at.Location}${at.AccessCredential}`;

export const downloadAddress = (dataset: Dataset) => signed(dataset.DownloadLocation);
export const readDatasetPreview = (dataset: Dataset) => call<Preview>("GET", signed(dataset.VisualizeEndPoint));
export const readDatasetSchema = async (dataset: Dataset) =>
  (await call<{ Columns: ColumnSchema[] }>("GET", signed(dataset.SchemaEndPoint))).Columns;
export const readOutputPreview = (workspace: string, experiment: string, node: string, port: number, rows?: number) =>
  call<Preview>(
    "GET",
    `${studio(workspace)}/experiments/${experiment}/preview/${encodeURIComponent(node)}/${port}` +
      (rows === undefined ? "" : `?rows=${rows}`),
  );

export interface Upload {
  file: File;
  name: string;
  description: string;
  dataTypeId: string;
  onProgress: (done: number) => void;
}
const blockBytes = 4 << 20;

async function uploadDataset(workspace: string, upload: Upload) {
  const type = `dataTypeId=${upload.dataTypeId}`;
  const begun = await call<{ Id: string }>(
    "POST",
    `/api/resourceuploads/workspaces/${workspace}?userStorage=true&${type}`,
  );
  const blocks = Math.max(1, Math.ceil(upload.file.size / blockBytes));
  for (let i = 0; i < blocks; i++) {
    const piece = upload.file.slice(i * blockBytes, (i + 1) * blockBytes);
    await send(
      "POST",
      `/api/blobuploads/workspaces/${workspace}?numberOfBlocks=${blocks}&blockId=${i}&uploadId=${begun.Id}&${type}`,
      piece,
    );
    upload.onProgress((i + 1) / blocks);
  }
  return call<string>("POST", `${studio(workspace)}/datasources`, {
    DataSource: {
      Name: upload.name,
      DataTypeId: upload.dataTypeId,
      Description: upload.description,
      SourceOrigin: "FromResourceUpload",
    },
    UploadId: begun.Id,
    UploadedFromFileName: upload.file.name,
  });
}

export function useUploadDataset(workspace: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (upload: Upload) => uploadDataset(workspace, upload),
    onSuccess: () => client.invalidateQueries({ queryKey: ["datasets", workspace] }),
  });
}

export function useDeleteDataset(workspace: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (dataset: Dataset) => call<void>("DELETE", `${studio(workspace)}/datasources/family/${dataset.FamilyId}`),
    onSettled: () => client.invalidateQueries({ queryKey: ["datasets", workspace] }),
  });
}

export const experimentsQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["experiments", workspace],
    queryFn: () => call<Experiment[]>("GET", `${studio(workspace)}/experiments`),
  });

export const readExperiment = (workspace: string, id: string) =>
  call<Experiment>("GET", `${studio(workspace)}/experiments/${id}`);

export interface ExperimentEdit {
  Description?: string;
  Summary?: string;
  ExperimentGraph?: unknown;
  WebService?: unknown;
}
export const saveExperiment = (workspace: string, id: string, edit: ExperimentEdit, etag: string) =>
  call<Experiment>("POST", `${studio(workspace)}/experiments/${id}`, { ...edit, IsDraft: true }, {
    headers: { "If-Match": `"${etag}"` },
  });
export const runExperiment = (workspace: string, id: string) =>
  call<Experiment>("POST", `${studio(workspace)}/experiments/${id}/run`);

export function useCreateExperiment(workspace: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) =>
      call<Experiment>("POST", `${studio(workspace)}/experiments`, { Description: name, IsDraft: true }),
    onSettled: () => client.invalidateQueries({ queryKey: ["experiments", workspace] }),
  });
}

export function useDeleteExperiment(workspace: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call<void>("DELETE", `${studio(workspace)}/experiments/${id}`),
    onSettled: () => client.invalidateQueries({ queryKey: ["experiments", workspace] }),
  });
}

export function usePublish(workspace: string, id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      call<{ WebServiceGroupId: string }>(
        "POST",
        `${studio(workspace)}/experiments/${id}/webservice?generateNewPortNames=false&updateExistingWebService=true`,
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["services", workspace] }),
  });
}

const services = (workspace: string) => `/workspaces/${workspace}/webservices`;

export const servicesQuery = (workspace: string) =>
  queryOptions({
    queryKey: ["services", workspace],
    queryFn: () => call<WebServiceInfo[]>("GET", services(workspace)),
  });

export const serviceQuery = (workspace: string, id: string) =>
  queryOptions({
    queryKey: ["services", workspace, id],
    queryFn: async () => {
      const at = `${services(workspace)}/${id}`;
      const [service, endpoint] = await Promise.all([
        call<WebServiceInfo>("GET", at),
        call<Endpoint>("GET", `${at}/endpoints/default`),
      ]);
      const swagger = await call<Swagger>("GET", `/workspaces/${workspace}/services/${endpoint.Id}/swagger.json`);
      return { service, endpoint, swagger };
    },
  });

export function useDeleteService(workspace: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call<void>("DELETE", `${services(workspace)}/${id}`),
    onSettled: () => client.invalidateQueries({ queryKey: ["services", workspace] }),
  });
}

export interface Scored {
  Results: Record<string, { type: string; value: { ColumnNames: string[]; ColumnTypes: string[]; Values: (string | null)[][] } }>;
}
export interface ScoringInput {
  ColumnNames: string[];
  Values: string[][];
}

export function useScore(endpoint: Endpoint) {
  return useMutation({
    mutationFn: (inputs: Record<string, ScoringInput>) =>
      call<Scored>(
        "POST",
        `/workspaces/${endpoint.WorkspaceId}/services/${endpoint.Id}/execute?api-version=2.0&details=true`,
        { Inputs: inputs, GlobalParameters: {} },
        { headers: { Authorization: `Bearer ${endpoint.PrimaryKey}` } },
      ),
  });
}

/** The most that one call lists. */
export const jobsMax = 1000;
export const hasEnded = (job: Job) => job.State === "Failed" || job.State === "Cancelled" || job.State === "Finished";

/** The latest jobs of an endpoint. */
export const readJobs = (endpoint: Pick<Endpoint, "Id" | "WebServiceId" | "WorkspaceId">, limit: number) =>
  call<Job[]>(
    "GET",
    `${services(endpoint.WorkspaceId)}/${endpoint.WebServiceId}/endpoints/${endpoint.Id}/jobs?limit=${limit}`,
  );

/** The same, asked for again and again, more often while one of them waits or runs. */
export function useJobs(endpoint: Endpoint, limit: number) {
  return useQuery({
    queryKey: ["jobs", endpoint.Id, limit],
    queryFn: () => readJobs(endpoint, limit),
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.every(hasEnded) === false ? 1000 : 3000),
  });
}

/** Cancels a job, or removes the record of one that has ended. */
export function useDeleteJob(endpoint: Endpoint) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (job: Job) =>
      call<void>(
        "DELETE",
        `/workspaces/${endpoint.WorkspaceId}/services/${endpoint.Id}/jobs/${job.Id}?api-version=2.0`,
        undefined,
        { headers: { Authorization: `Bearer ${endpoint.PrimaryKey}` } },
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["jobs", endpoint.Id] }),
  });
}
