// The publisher portal of one service instance.
import {
  AppsListRegular,
  BoxRegular,
  DataBarVerticalRegular,
  KeyMultipleRegular,
  MailRegular,
  PeopleRegular,
  PeopleTeamRegular,
  SettingsRegular,
  ShieldTaskRegular,
} from "@fluentui/react-icons";
import { Link, Navigate, useParams } from "@tanstack/react-router";

import { useInstances } from "../api/arm";
import { findInstance } from "../api/publisher";
import { Empty, Failure, Loading } from "../shell/parts";
import { SideFrame } from "../shell/SideFrame";
import { useTexts } from "../texts/texts";
import { InstanceContext } from "./instance";

export function PublisherStart() {
  const { service } = useParams({ from: "/publisher/$service/" });
  return <Navigate to="/publisher/$service/dashboard" params={{ service }} replace />;
}

export function PublisherFrame() {
  const { t } = useTexts();
  const { service } = useParams({ from: "/publisher/$service" });
  const instances = useInstances();
  if (instances.error) return <Failure error={instances.error} />;
  if (!instances.data) return <Loading />;
  const instance = findInstance(instances.data, service);
  if (!instance) {
    return (
      <Empty title={t("publisher.noInstance", { name: service })}>
        <Link to="/">{t("shell.home")}</Link>
      </Empty>
    );
  }
  return (
    <InstanceContext.Provider value={instance}>
      <SideFrame
        label={t("publisher.title")}
        head={
          <Link to="/" className="side-title" activeOptions={{ exact: true }}>
            {instance.name}
          </Link>
        }
      >
        <Link to="/publisher/$service/dashboard" params={{ service }}>
          <DataBarVerticalRegular /> <span>{t("publisher.dashboard")}</span>
        </Link>
        <Link to="/publisher/$service/apis" params={{ service }}>
          <AppsListRegular /> <span>{t("publisher.apis")}</span>
        </Link>
        <Link to="/publisher/$service/products" params={{ service }}>
          <BoxRegular /> <span>{t("publisher.products")}</span>
        </Link>
        <Link to="/publisher/$service/policies" params={{ service }}>
          <ShieldTaskRegular /> <span>{t("publisher.policies")}</span>
        </Link>
        <Link to="/publisher/$service/subscriptions" params={{ service }}>
          <KeyMultipleRegular /> <span>{t("publisher.subscriptions")}</span>
        </Link>
        <Link to="/publisher/$service/users" params={{ service }}>
          <PeopleRegular /> <span>{t("publisher.users")}</span>
        </Link>
        <Link to="/publisher/$service/groups" params={{ service }}>
          <PeopleTeamRegular /> <span>{t("publisher.groups")}</span>
        </Link>
        <Link to="/publisher/$service/notifications" params={{ service }}>
          <MailRegular /> <span>{t("publisher.notifications")}</span>
        </Link>
        <Link to="/publisher/$service/settings" params={{ service }}>
          <SettingsRegular /> <span>{t("publisher.settings")}</span>
        </Link>
      </SideFrame>
    </InstanceContext.Provider>
  );
}
