// The developer portal of one service instance: for whoever calls its APIs.
import {
  AppsListRegular,
  BoxRegular,
  DataBarVerticalRegular,
  HomeRegular,
  PersonAccountsRegular,
  PersonArrowRightRegular,
} from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate, useParams } from "@tanstack/react-router";
import { useMemo } from "react";

import { ApiError, call } from "../api/http";
import { useSession } from "../api/session";
import { SignIn } from "../pages/SignIn";
import { Empty, Failure, Loading } from "../shell/parts";
import { SideFrame } from "../shell/SideFrame";
import { useTexts } from "../texts/texts";
import { DeveloperContext, placeOf, type Portal, portalQuery } from "./data";

/** Without a name: the portal of the first instance. */
export function DeveloperStart() {
  const { t } = useTexts();
  const portal = useQuery({ queryKey: ["developer"], queryFn: () => call<Portal>("GET", "/data-api") });
  if (portal.data) return <Navigate to="/developer/$service" params={{ service: portal.data.id }} replace />;
  if (!portal.error) return <Loading />;
  return <NoInstance error={portal.error} text={t("developer.noInstance")} />;
}

function NoInstance({ error, text }: { error: Error; text: string }) {
  const { t } = useTexts();
  if (!(error instanceof ApiError && error.status === 404)) return <Failure error={error} />;
  return <Empty title={text}>{t("developer.noInstanceHint")}</Empty>;
}

export function DeveloperSignIn() {
  const { t } = useTexts();
  const { service } = useParams({ from: "/developer/$service/sign-in" });
  const session = useSession();
  if (session.signedIn) return <Navigate to="/developer/$service" params={{ service }} replace />;
  return (
    <SignIn stay>
      <Link to="/developer/$service/signup" params={{ service }}>
        {t("account.signUp")}
      </Link>
      <Link to="/developer/$service/reset-password" params={{ service }}>
        {t("account.reset")}
      </Link>
    </SignIn>
  );
}

export function DeveloperFrame() {
  const { t } = useTexts();
  const { service } = useParams({ from: "/developer/$service" });
  const session = useSession();
  const person = session.signedIn ? session.email : "";
  const place = useMemo(() => placeOf(service, person), [service, person]);
  const portal = useQuery(portalQuery(place));
  const developer = useMemo(
    () => (portal.data ? { service, place, portal: portal.data } : null),
    [service, place, portal.data],
  );
  if (portal.error) return <NoInstance error={portal.error} text={t("publisher.noInstance", { name: service })} />;
  if (!developer) return <Loading />;
  return (
    <DeveloperContext.Provider value={developer}>
      <SideFrame
        label={t("developer.title")}
        head={<span className="side-title developer-name">{developer.portal.organization}</span>}
      >
        <Link to="/developer/$service" params={{ service }} activeOptions={{ exact: true }}>
          <HomeRegular /> <span>{t("developer.home")}</span>
        </Link>
        <Link to="/developer/$service/apis" params={{ service }}>
          <AppsListRegular /> <span>{t("publisher.apis")}</span>
        </Link>
        <Link to="/developer/$service/products" params={{ service }}>
          <BoxRegular /> <span>{t("publisher.products")}</span>
        </Link>
        {session.signedIn ? (
          <>
            <Link to="/developer/$service/profile" params={{ service }}>
              <PersonAccountsRegular /> <span>{t("developer.profile")}</span>
            </Link>
            <Link to="/developer/$service/usage" params={{ service }}>
              <DataBarVerticalRegular /> <span>{t("developer.usage")}</span>
            </Link>
          </>
        ) : (
          <Link to="/developer/$service/sign-in" params={{ service }}>
            <PersonArrowRightRegular /> <span>{t("signIn.title")}</span>
          </Link>
        )}
      </SideFrame>
    </DeveloperContext.Provider>
  );
}
