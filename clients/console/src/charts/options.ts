/** The two kinds of chart: ranked bars and lines by day. Colours have 3:1 on white, and lines differ by dash as well. */
import type { ChartOption } from './echarts'

const TEXT = '#1b2733'
const SOFT = '#52606d'
const LINE = '#e7ecf0'
const FONT = 'system-ui, -apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif'
const COLOURS = ['#1257a8', '#a84e00', '#0a6b3d', '#6b3fa0'] as const
const DASHES = ['solid', 'dashed', 'dotted', 'solid'] as const
const textStyle = { fontFamily: FONT, color: TEXT, fontSize: 13 }

export interface Series {
  name: string
  values: (number | null)[]
}

/** How high ranked bars are, in px. */
export const barsHeight = (rows: number, series = 1, hasLegend = series > 1): number =>
  Math.max(1, rows) * (16 + 20 * series) + (hasLegend ? 52 : 16)

/** Bars from the top down in the order given; `show` writes the value beside each. */
export function bars(names: readonly string[], series: readonly Series[], show: (value: number) => string): ChartOption {
  const hasLegend = series.length > 1
  return {
    textStyle,
    ...(hasLegend ? { legend: { top: 0, left: 0, itemWidth: 14, itemHeight: 10, textStyle } } : {}),
    grid: { left: 8, right: 96, top: hasLegend ? 36 : 4, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: { type: 'value', show: false, min: 0 },
    yAxis: {
      type: 'category',
      data: [...names],
      inverse: true,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: LINE } },
      axisLabel: { color: TEXT, fontSize: 13, width: 200, overflow: 'truncate' },
    },
    series: series.map((one, place) => ({
      type: 'bar' as const,
      name: one.name,
      data: one.values,
      barMaxWidth: 18,
      barMinHeight: 1,
      barGap: '15%',
      itemStyle: { color: COLOURS[place] ?? TEXT, borderRadius: [0, 3, 3, 0] },
      silent: true,
      label: {
        show: true,
        position: 'right' as const,
        color: TEXT,
        fontSize: 13,
        formatter: ({ value }: { value: unknown }) => (typeof value === 'number' ? show(value) : '—'),
      },
    })),
  }
}

/** One or more lines over days, oldest first. */
export function lines(days: readonly string[], series: readonly Series[]): ChartOption {
  return {
    textStyle,
    legend: { top: 0, left: 0, itemWidth: 28, textStyle },
    grid: { left: 8, right: 24, top: 40, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: { type: 'category', data: [...days], boundaryGap: days.length < 2, axisLabel: { color: SOFT }, axisTick: { show: false }, axisLine: { lineStyle: { color: LINE } } },
    yAxis: { type: 'value', minInterval: 1, min: 0, axisLabel: { color: SOFT }, splitLine: { lineStyle: { color: LINE } } },
    series: series.map((one, place) => ({
      type: 'line' as const,
      name: one.name,
      data: one.values,
      symbol: place % 2 ? 'rect' : 'circle',
      symbolSize: days.length > 60 ? 3 : 6,
      silent: true,
      lineStyle: { width: 2, type: DASHES[place] ?? 'solid', color: COLOURS[place] ?? TEXT },
      itemStyle: { color: COLOURS[place] ?? TEXT },
    })),
  }
}
