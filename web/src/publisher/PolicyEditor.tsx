// The policy document of a scope, as text. What is wrong with it is told by the server, element by element.
import { Button, Textarea } from "@fluentui/react-components";
import { SaveRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { armCall, policyQuery, useChange } from "../api/publisher";
import { Failure, Loading } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { useInstance } from "./instance";

const blank = `<policies>
    <inbound>
        <base />
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>
`;

function Editor({ scope, first }: { scope: string; first: string }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const [text, setText] = useState(first || blank);
  const save = useChange(at, (value: string) =>
    armCall(at, "PUT", `${scope}/policies/policy`, { properties: { format: "rawxml", value } }),
  );
  return (
    <div className="policy">
      <Textarea
        className="policy-text"
        aria-label={t("policy.title")}
        value={text}
        resize="vertical"
        spellCheck={false}
        onChange={(_, data) => setText(data.value)}
      />
      <Failure error={save.error} />
      <div className="row">
        <Button icon={<SaveRegular />} onClick={() => save.mutate(text)} disabled={save.isPending || text === first}>
          {t("policy.save")}
        </Button>
        {save.isSuccess && text === save.variables && <span role="status">{t("save.saved")}</span>}
      </div>
    </div>
  );
}

export function PolicyEditor({ scope }: { scope: string }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const policy = useQuery(policyQuery(at, scope));
  return (
    <section>
      <h2>{t("policy.title")}</h2>
      <p className="quiet">{t("policy.hint")}</p>
      <Failure error={policy.error} />
      {policy.isPending && <Loading />}
      {policy.data !== undefined && <Editor scope={scope} first={policy.data} />}
    </section>
  );
}
