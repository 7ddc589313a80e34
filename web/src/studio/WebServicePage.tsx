// The dashboard of a published web service: its ids and key, Test, the help pages, and its batch jobs.
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
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
} from "@fluentui/react-components";
import { BeakerRegular, CheckmarkRegular, DeleteRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import { type Endpoint, type Scored, serviceQuery, useDeleteService, useScore } from "../api/studio";
import { Confirm } from "../shell/Confirm";
import { CopyValue, Failure, Loading, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { Jobs } from "./Jobs";
import { type Shape, shapeOf } from "./shape";

function TestDialog({
  endpoint,
  shape,
  close,
  done,
}: {
  endpoint: Endpoint;
  shape: Shape;
  close: () => void;
  done: (answer: Scored) => void;
}) {
  const { t } = useTexts();
  const score = useScore(endpoint);
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(
      shape.inputs.flatMap((port) =>
        port.columns.map((column) => [`${port.name}/${column.name}`, column.isNumber ? "0" : ""]),
      ),
    ),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const inputs = Object.fromEntries(
      shape.inputs.map((port) => [
        port.name,
        {
          ColumnNames: port.columns.map((column) => column.name),
          Values: [port.columns.map((column) => values[`${port.name}/${column.name}`] ?? "")],
        },
      ]),
    );
    score.mutate(inputs, {
      onSuccess: (answer) => {
        done(answer);
        close();
      },
    });
  };
  return (
    <Dialog open onOpenChange={(_, data) => !data.open && close()}>
      <DialogSurface aria-describedby={undefined}>
        <form onSubmit={submit}>
          <DialogBody>
            <DialogTitle>{t("test.title")}</DialogTitle>
            <DialogContent className="fields">
              <p>{t("test.intro")}</p>
              {shape.inputs.flatMap((port) =>
                port.columns.map((column) => {
                  const key = `${port.name}/${column.name}`;
                  return (
                    <Field key={key} label={shape.inputs.length > 1 ? key : column.name}>
                      <Input
                        placeholder={column.isNumber ? "0" : "value"}
                        value={values[key] ?? ""}
                        onChange={(_, data) => setValues({ ...values, [key]: data.value })}
                      />
                    </Field>
                  );
                }),
              )}
              <Failure error={score.error} />
            </DialogContent>
            <DialogActions>
              <Button onClick={close}>{t("common.cancel")}</Button>
              <Button appearance="primary" type="submit" icon={<CheckmarkRegular />} disabled={score.isPending}>
                {t("common.ok")}
              </Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
}

function Answer({ answer }: { answer: Scored }) {
  const { t } = useTexts();
  return (
    <section className="answer" aria-label={t("test.result")} aria-live="polite">
      <h2>{t("test.result")}</h2>
      {Object.entries(answer.Results).map(([name, { value }]) => (
        <div key={name} className="table-box" tabIndex={0} role="region" aria-label={name}>
          <table className="data">
            <caption>{name}</caption>
            <tbody>
              {value.ColumnNames.map((column, i) => (
                <tr key={column}>
                  <th scope="row">{column}</th>
                  {value.Values.map((row, j) => (
                    <td key={j}>{row[i] ?? ""}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ))}
      <details>
        <summary>{t("test.raw")}</summary>
        <pre className="code" tabIndex={0}>
          {JSON.stringify(answer, null, 2)}
        </pre>
      </details>
    </section>
  );
}

export function WebServicePage() {
  const { t, date } = useTexts();
  const params = useParams({ from: "/studio/$workspace/webservices/$service" });
  const { workspace } = params;
  const query = useQuery(serviceQuery(workspace, params.service));
  const drop = useDeleteService(workspace);
  const navigate = useNavigate();
  const [testing, setTesting] = useState(false);
  const [dropping, setDropping] = useState(false);
  const [answer, setAnswer] = useState<Scored | null>(null);
  if (query.error) return <Failure error={query.error} />;
  if (!query.data) return <Loading />;
  const { service, endpoint, swagger } = query.data;
  const shape = shapeOf(swagger);
  return (
    <Page
      title={service.Name}
      actions={
        <Button icon={<DeleteRegular />} onClick={() => setDropping(true)}>
          {t("common.delete")}
        </Button>
      }
    >
      <Failure error={drop.error} />
      <section className="facts" aria-label={t("service.general")}>
        <p>{service.Description || t("service.noDescription")}</p>
        {service.ExperimentId && (
          <p>
            {t("service.experiment")}{" "}
            <Link
              to="/studio/$workspace/experiments/$experiment"
              params={{ workspace, experiment: service.ExperimentId }}
            >
              {t("service.viewLatest")}
            </Link>
          </p>
        )}
        <CopyValue label={t("service.workspaceId")} value={workspace} />
        <CopyValue label={t("service.serviceId")} value={endpoint.Id} />
        <CopyValue label={t("service.apiKey")} value={endpoint.PrimaryKey} secret />
      </section>
      <section>
        <h2>{t("service.endpoint")}</h2>
        <div className="table-box" tabIndex={0} role="region" aria-label={t("service.endpoint")}>
          <Table aria-label={t("service.endpoint")}>
            <TableHeader>
              <TableRow>
                <TableHeaderCell>{t("service.helpPage")}</TableHeaderCell>
                <TableHeaderCell>{t("service.test")}</TableHeaderCell>
                <TableHeaderCell>{t("services.updated")}</TableHeaderCell>
              </TableRow>
            </TableHeader>
            <TableBody>
              <TableRow>
                <TableCell>
                  <Link to="/studio/$workspace/webservices/$service/score" params={params}>
                    {t("service.requestResponse")}
                  </Link>
                </TableCell>
                <TableCell>
                  <Button icon={<BeakerRegular />} onClick={() => setTesting(true)}>
                    {t("service.test")}
                  </Button>
                </TableCell>
                <TableCell>{date(endpoint.UpdatedTime)}</TableCell>
              </TableRow>
              <TableRow>
                <TableCell>
                  <Link to="/studio/$workspace/webservices/$service/jobs" params={params}>
                    {t("service.batchExecution")}
                  </Link>
                </TableCell>
                <TableCell />
                <TableCell>{date(endpoint.UpdatedTime)}</TableCell>
              </TableRow>
            </TableBody>
          </Table>
        </div>
      </section>
      {answer && <Answer answer={answer} />}
      <Jobs endpoint={endpoint} />
      {testing && <TestDialog endpoint={endpoint} shape={shape} close={() => setTesting(false)} done={setAnswer} />}
      {dropping && (
        <Confirm
          title={t("common.deleteWhat", { what: service.Name })}
          text={t("service.deleteText")}
          close={() => setDropping(false)}
          accept={() =>
            drop.mutate(service.Id, {
              onSuccess: () => void navigate({ to: "/studio/$workspace/webservices", params: { workspace } }),
            })
          }
        />
      )}
    </Page>
  );
}
