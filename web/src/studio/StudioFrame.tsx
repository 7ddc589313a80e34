// The frame of the studio: workspace, and its kinds of things.
import { Select } from "@fluentui/react-components";
import { BeakerRegular, DatabaseRegular, GlobeRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate, useNavigate, useParams } from "@tanstack/react-router";

import { workspacesQuery } from "../api/studio";
import { Empty, Failure, Loading } from "../shell/parts";
import { SideFrame } from "../shell/SideFrame";
import { useTexts } from "../texts/texts";

/** /studio: goes to the first workspace. */
export function StudioStart() {
  const { t } = useTexts();
  const workspaces = useQuery(workspacesQuery);
  if (workspaces.error) return <Failure error={workspaces.error} />;
  if (!workspaces.data) return <Loading />;
  const first = workspaces.data[0];
  if (!first) return <Empty title={t("studio.noWorkspace")}>{t("studio.noWorkspaceHint")}</Empty>;
  return <Navigate to="/studio/$workspace/experiments" params={{ workspace: first.WorkspaceId }} replace />;
}

export function StudioFrame() {
  const { t } = useTexts();
  const { workspace } = useParams({ from: "/studio/$workspace" });
  const workspaces = useQuery(workspacesQuery);
  const navigate = useNavigate();
  const list = workspaces.data ?? [];
  return (
    <SideFrame
      label={t("studio.title")}
      head={
        list.length > 1 && (
          <Select
            aria-label={t("studio.workspace")}
            value={workspace}
            onChange={(_, data) =>
              void navigate({ to: "/studio/$workspace/experiments", params: { workspace: data.value } })
            }
          >
            {list.map((one) => (
              <option key={one.WorkspaceId} value={one.WorkspaceId}>
                {one.FriendlyName}
              </option>
            ))}
          </Select>
        )
      }
    >
      <Link to="/studio/$workspace/experiments" params={{ workspace }}>
        <BeakerRegular /> <span>{t("studio.experiments")}</span>
      </Link>
      <Link to="/studio/$workspace/webservices" params={{ workspace }}>
        <GlobeRegular /> <span>{t("studio.webServices")}</span>
      </Link>
      <Link to="/studio/$workspace/datasets" params={{ workspace }}>
        <DatabaseRegular /> <span>{t("studio.datasets")}</span>
      </Link>
    </SideFrame>
  );
}
