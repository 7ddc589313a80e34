// The text of a mail as its reader sees it: on paper of its own, without scripts and without ties to this page.
import { useTexts } from "../texts/texts";

// Links are longer than the frame is wide.
const style = "<style>body { overflow-wrap: anywhere; font-family: sans-serif; }</style>";

export function MailFrame({ body }: { body: string }) {
  const { t } = useTexts();
  return <iframe className="mail-frame" title={t("mail.text")} sandbox="" srcDoc={style + body} />;
}
