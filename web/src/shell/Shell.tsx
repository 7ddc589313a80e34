// The frame of every page: what this is, where one can go, language, theme, and who one is.
import { Button, Menu, MenuItem, MenuItemRadio, MenuList, MenuPopover, MenuTrigger } from "@fluentui/react-components";
import {
  CodeRegular,
  DarkThemeRegular,
  KeyRegular,
  LocalLanguageRegular,
  PersonRegular,
  SignOutRegular,
  WeatherSunnyRegular,
  WrenchRegular,
} from "@fluentui/react-icons";
import { Link, useLocation, useNavigate, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { useSession, useSignOut } from "../api/session";
import { type Language, languages, useTexts } from "../texts/texts";
import { useTheme } from "./theme";

function LanguageMenu() {
  const { t, language, setLanguage } = useTexts();
  return (
    <Menu
      checkedValues={{ language: [language] }}
      onCheckedValueChange={(_, data) => setLanguage(data.checkedItems[0] as Language)}
    >
      <MenuTrigger disableButtonEnhancement>
        <Button appearance="transparent" icon={<LocalLanguageRegular />} aria-label={t("shell.language")} />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {languages.map(({ id, name }) => (
            <MenuItemRadio key={id} name="language" value={id} lang={id}>
              {name}
            </MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function ThemeButton() {
  const { t } = useTexts();
  const { mode, toggle } = useTheme();
  return (
    <Button
      appearance="transparent"
      icon={mode === "dark" ? <WeatherSunnyRegular /> : <DarkThemeRegular />}
      aria-label={mode === "dark" ? t("shell.light") : t("shell.dark")}
      onClick={toggle}
    />
  );
}

function AccountMenu({ email }: { email: string }) {
  const { t } = useTexts();
  const signOut = useSignOut();
  const navigate = useNavigate();
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button appearance="transparent" icon={<PersonRegular />} aria-label={t("shell.account", { email })}>
          <span className="wide-only">{email}</span>
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuItem icon={<KeyRegular />} onClick={() => void navigate({ to: "/account" })}>
            {t("account.title")}
          </MenuItem>
          <MenuItem icon={<SignOutRegular />} onClick={() => signOut.mutate()}>
            {t("shell.signOut")}
          </MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

/** From the portal of an instance to its other one. */
function OtherPortal() {
  const { t } = useTexts();
  const { service } = useParams({ strict: false });
  const path = useLocation({ select: (location) => location.pathname });
  if (!service) return null;
  if (path.startsWith("/publisher/"))
    return (
      <Link to="/developer/$service" params={{ service }} className="other-portal" aria-label={t("area.developer")}>
        <CodeRegular /> <span className="wide-only">{t("area.developer")}</span>
      </Link>
    );
  if (path.startsWith("/developer/"))
    return (
      <Link to="/publisher/$service" params={{ service }} className="other-portal" aria-label={t("area.publisher")}>
        <WrenchRegular /> <span className="wide-only">{t("area.publisher")}</span>
      </Link>
    );
  return null;
}

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTexts();
  const session = useSession();
  const isAdministrator = session.signedIn && session.role === "administrator";
  return (
    <>
      <header className="bar">
        <Link to={isAdministrator ? "/" : "/developer"} className="brand">
          mlgate
        </Link>
        {session.signedIn && isAdministrator && (
          <nav className="areas" aria-label={t("shell.areas")}>
            <Link to="/" activeOptions={{ exact: true }}>
              {t("shell.instances")}
            </Link>
            {session.facts.studio && <Link to="/studio">{t("shell.studio")}</Link>}
          </nav>
        )}
        <div className="bar-end">
          {isAdministrator && <OtherPortal />}
          <LanguageMenu />
          <ThemeButton />
          {session.signedIn && <AccountMenu email={session.email} />}
        </div>
      </header>
      <main className="main">{children}</main>
    </>
  );
}
