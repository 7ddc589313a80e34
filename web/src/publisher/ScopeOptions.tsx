// The options of a select that asks for all APIs, a product or an API; its value is the scope's path.
import type { Api, Product } from "../api/publisher";
import { useTexts } from "../texts/texts";

export function ScopeOptions({ products, apis }: { products?: Product[]; apis?: Api[] }) {
  const { t } = useTexts();
  return (
    <>
      <option value="">{t("subscriptions.allApis")}</option>
      {products?.map((one) => (
        <option key={one.name} value={`/products/${one.name}`}>
          {t("subscriptions.product", { name: one.properties.displayName })}
        </option>
      ))}
      {apis?.map((one) => (
        <option key={one.name} value={`/apis/${one.name}`}>
          {t("subscriptions.api", { name: one.properties.displayName })}
        </option>
      ))}
    </>
  );
}
