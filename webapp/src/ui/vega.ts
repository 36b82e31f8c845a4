import embed, { type VisualizationSpec } from "vega-embed";
import { expressionInterpreter } from "vega-interpreter";
import type { Spec } from "./chart";

export async function draw(box: HTMLElement, spec: Spec, pick: (datum: Record<string, unknown>) => void): Promise<{ finalize: () => void }> {
  const config = { ...(spec["config"] as object | undefined), font: getComputedStyle(document.body).fontFamily };
  const result = await embed(box, { ...spec, config } as unknown as VisualizationSpec, {
    actions: false,
    ast: true,
    expr: expressionInterpreter,
    renderer: "svg",
    defaultStyle: false,
    loader: { load: () => Promise.reject(new Error("a chart holds its own data")) } as never,
    tooltip: { theme: "karavan" },
  });
  result.view.addEventListener("click", (_, item) => {
    const datum = (item as { datum?: Record<string, unknown> } | null | undefined)?.datum;
    if (datum) pick(datum);
  });
  return result;
}
