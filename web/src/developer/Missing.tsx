// Stands for what is not there, or not for this viewer.
import { Link } from "@tanstack/react-router";

import { ApiError } from "../api/http";
import { Empty, Failure } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { useDeveloper } from "./data";

export function Missing({ error }: { error: Error }) {
  const { t } = useTexts();
  const { service, portal } = useDeveloper();
  if (!(error instanceof ApiError && error.status === 404)) return <Failure error={error} />;
  return (
    <Empty title={t("shell.notFound")}>
      {!portal.user && <p>{t("developer.missingGuest")}</p>}
      <Link to="/developer/$service" params={{ service }}>
        {t("developer.toHome")}
      </Link>
    </Empty>
  );
}
