// The frame of every page: what this is, where one can go, language, theme, and who one is.
import { Button, Menu, MenuItem, MenuItemRadio, MenuList, MenuPopover, MenuTrigger } from "@fluentui/react-components";
import {
  DarkThemeRegular,
  KeyRegular,
  LocalLanguageRegular,
  PersonRegular,
  SignOutRegular,
  WeatherSunnyRegular,
} from "@fluentui/react-icons";
import { Link, useNavigate } from "@tanstack/react-router";
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

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTexts();
  const session = useSession();
  return (
    <>
      <header className="bar">
        <Link to="/" className="brand">
          mlgate
        </Link>
        {session.signedIn && (
          <nav className="areas" aria-label={t("shell.areas")}>
            <Link to="/" activeOptions={{ exact: true }}>
              {t("shell.instances")}
            </Link>
            {session.facts.studio && <Link to="/studio">{t("shell.studio")}</Link>}
          </nav>
        )}
        <div className="bar-end">
          <LanguageMenu />
          <ThemeButton />
          {session.signedIn && <AccountMenu email={session.email} />}
        </div>
      </header>
      <main className="main">{children}</main>
    </>
  );
}
