// The policy document of a scope, as text. What is wrong with it is told by the server, element by element; what may be
// written in it, too.
import { Button } from "@fluentui/react-components";
import { SaveRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useRef, useState } from "react";

import { armCall, policyQuery, useChange } from "../api/publisher";
import { Failure, Loading } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { useInstance } from "./instance";
import { AddPolicy } from "./policy/AddPolicy";
import type { CodeEditorHandle } from "./policy/CodeEditor";
import { problemsOf } from "./policy/problems";
import { descriptionsQuery, type PolicyDescription } from "./policy/schema";

const CodeEditor = lazy(() => import("./policy/CodeEditor"));
const noPolicies: PolicyDescription[] = [];

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

function Editor({ scope, kept }: { scope: string; kept: string }) {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const editor = useRef<CodeEditorHandle>(null);
  const [first] = useState(kept || blank);
  const [text, setText] = useState(first);
  const descriptions = useQuery(descriptionsQuery(at, scope));
  const policies = descriptions.data ?? noPolicies;
  const save = useChange(at, (value: string) =>
    armCall(at, "PUT", `${scope}/policies/policy`, { properties: { format: "rawxml", value } }),
  );
  const problems = useMemo(() => problemsOf(save.error), [save.error]);
  const places = [...new Map(problems.map((one) => [`${one.line}:${one.column}`, one])).values()];
  return (
    <Suspense fallback={<Loading />}>
      <div className="policy">
        <CodeEditor
          ref={editor}
          label={t("policy.title")}
          first={first}
          policies={policies}
          problems={problems}
          onChange={setText}
        />
        <Failure error={save.error ?? descriptions.error} />
        {places.length > 0 && (
          <div className="row">
            {places.map((one) => (
              <Button key={`${one.line}:${one.column}`} size="small" onClick={() => editor.current?.goTo(one)}>
                {t("policy.goTo", { line: one.line, column: one.column })}
              </Button>
            ))}
          </div>
        )}
        <div className="row">
          <Button icon={<SaveRegular />} onClick={() => save.mutate(text)} disabled={save.isPending || text === kept}>
            {t("policy.save")}
          </Button>
          <AddPolicy policies={policies} add={(section, xml) => editor.current?.add(section, xml) ?? false} />
          {save.isSuccess && text === save.variables && <span role="status">{t("save.saved")}</span>}
        </div>
      </div>
    </Suspense>
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
      {policy.data !== undefined && <Editor scope={scope} kept={policy.data} />}
    </section>
  );
}
