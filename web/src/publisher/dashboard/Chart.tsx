// A chart over time. Drawn by a library that is loaded with the first chart.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { type ECharts, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";

import { useTheme } from "../../shell/theme";
import type { ChartProps } from "./OverTime";

use([BarChart, LineChart, GridComponent, TooltipComponent, CanvasRenderer]);

/** The colours of the theme, which canvases do not inherit. */
function colorsAt(element: Element) {
  const style = getComputedStyle(element);
  return (name: string) => style.getPropertyValue(name).trim();
}

function optionOf({ times, series, stacked, labelOf, textOf }: ChartProps, color: (name: string) => string) {
  const quiet = color("--colorNeutralForeground3");
  const line = color("--colorNeutralStroke2");
  return {
    animation: false,
    textStyle: { fontFamily: color("--fontFamilyBase"), color: quiet },
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    tooltip: {
      trigger: "axis" as const,
      confine: true,
      backgroundColor: color("--colorNeutralBackground1"),
      borderColor: line,
      textStyle: { color: color("--colorNeutralForeground1") },
      valueFormatter: (value: unknown) => textOf(Number(value)),
    },
    xAxis: {
      type: "category" as const,
      data: times.map(labelOf),
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      axisLabel: { color: quiet, hideOverlap: true },
    },
    yAxis: {
      type: "value" as const,
      min: 0,
      minInterval: stacked ? 1 : 0,
      axisLabel: { color: quiet, formatter: (value: number) => textOf(value) },
      splitLine: { lineStyle: { color: line } },
    },
    series: series.map((one) => {
      const look = { name: one.name, data: one.values, itemStyle: { color: color(one.color) } };
      return stacked
        ? { ...look, type: "bar" as const, stack: "all", barMaxWidth: 40 }
        : { ...look, type: "line" as const, showSymbol: times.length < 20, lineStyle: { color: color(one.color), width: 2 } };
    }),
  };
}

export default function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts>(null);
  const { mode } = useTheme();
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = init(element);
    chart.current = made;
    const watcher = new ResizeObserver(() => made.resize());
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    if (box.current) chart.current?.setOption(optionOf(props, colorsAt(box.current)), true);
  }, [props, mode]);
  return <div ref={box} className="chart" role="img" aria-label={props.label} />;
}
