// Where a developer begins: what there is, and the way to the first call.
import { Link } from "@tanstack/react-router";

import { CopyValue, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { useDeveloper } from "./data";

export function Home() {
  const { t } = useTexts();
  const { service, portal } = useDeveloper();
  return (
    <Page title={t("developer.welcome", { name: portal.organization })}>
      <p>{t("developer.intro")}</p>
      <ol className="steps">
        <li>
          <h2>
            <Link to="/developer/$service/apis" params={{ service }}>
              {t("developer.stepApis")}
            </Link>
          </h2>
          <p>{t("developer.stepApisText")}</p>
        </li>
        <li>
          <h2>
            <Link to="/developer/$service/products" params={{ service }}>
              {t("developer.stepSubscribe")}
            </Link>
          </h2>
          <p>{t("developer.stepSubscribeText")}</p>
        </li>
        <li>
          <h2>{t("developer.stepTry")}</h2>
          <p>{t("developer.stepTryText")}</p>
        </li>
      </ol>
      <CopyValue label={t("developer.gateway")} value={portal.gatewayUrl} />
    </Page>
  );
}
