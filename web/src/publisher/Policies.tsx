// The policies of any scope: of all APIs, of a product, of an API, of one of its operations.
import { Field, Select } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { apisQuery, operationsQuery, productsQuery } from "../api/publisher";
import { Failure, Page } from "../shell/parts";
import { useTexts } from "../texts/texts";
import { useInstance } from "./instance";
import { PolicyEditor } from "./PolicyEditor";
import { ScopeOptions } from "./ScopeOptions";

export function Policies() {
  const { t } = useTexts();
  const { id: at } = useInstance();
  const products = useQuery(productsQuery(at));
  const apis = useQuery(apisQuery(at));
  const [scope, setScope] = useState("");
  const [operation, setOperation] = useState("");
  const api = scope.startsWith("/apis/") ? scope.slice("/apis/".length) : "";
  const operations = useQuery({ ...operationsQuery(at, api), enabled: api !== "" });
  const whole = operation === "" ? scope : `${scope}/operations/${operation}`;
  return (
    <Page title={t("publisher.policies")}>
      <Failure error={products.error ?? apis.error ?? operations.error} />
      <div className="scopes">
        <Field label={t("policy.scope")}>
          <Select
            value={scope}
            onChange={(_, data) => {
              setScope(data.value);
              setOperation("");
            }}
          >
            <ScopeOptions products={products.data} apis={apis.data} />
          </Select>
        </Field>
        {api !== "" && (
          <Field label={t("policy.operation")}>
            <Select value={operation} onChange={(_, data) => setOperation(data.value)}>
              <option value="">{t("policy.allOperations")}</option>
              {operations.data?.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.properties.displayName}
                </option>
              ))}
            </Select>
          </Field>
        )}
      </div>
      <PolicyEditor key={whole} scope={whole} />
    </Page>
  );
}
