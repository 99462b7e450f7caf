// The price of YES over time: a line of single trades, or candles. The library draws; what is drawn is decided here.

import { AreaSeries, CandlestickSeries, HistogramSeries, createChart } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { amount } from "./format.js";

/** Seconds of a candle; `trades`: a point a trade. */
export const RESOLUTIONS = { trades: 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3_600, "4h": 14_400, "1d": 86_400 };

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

export class PriceChart {
  #chart;
  #legend;
  #price = null;
  #volume;
  #isCandles = false;
  #seconds = 1;
  #bars = new Map();
  #last = 0;

  constructor(element, legend) {
    this.#legend = legend;
    this.#chart = createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 11, fontFamily: css("--mono") },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.24 } },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        secondsVisible: true,
        rightOffset: 3,
        tickMarkFormatter: (time, kind) => (kind <= 2 ? day : kind === 3 ? minute : clock).format(time * 1_000),
      },
      localization: { timeFormatter: (time) => clock.format(time * 1_000) },
      handleScale: { axisPressedMouseMove: false },
    });
    this.#volume = this.#chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.#chart.subscribeCrosshairMove(({ time }) => this.#show(this.#bars.get(time) ?? this.#bars.get(this.#last)));
    document.addEventListener("theme", () => this.#dress());
    this.#begin();
  }

  /** Other bars: `{ time, open, high, low, close, volume }`, ascending; prices in percent, volumes in lamports. */
  show(resolution, isCandles, bars) {
    this.#seconds = RESOLUTIONS[resolution];
    this.#isCandles = isCandles && resolution !== "trades";
    this.#bars = new Map(bars.map((bar) => [bar.time, bar]));
    this.#last = bars.at(-1)?.time ?? 0;
    this.#begin();
    this.#price.setData(bars.map((bar) => this.#point(bar)));
    this.#volume.setData(bars.map((bar) => this.#column(bar)));
    this.#chart.timeScale().applyOptions({ secondsVisible: this.#seconds < 60 });
    const most = this.#seconds === 1 ? 240 : 120;
    if (bars.length > most) this.#chart.timeScale().setVisibleLogicalRange({ from: bars.length - most, to: bars.length + 2 });
    else if (this.#isCandles && bars.length < 60) this.#chart.timeScale().setVisibleLogicalRange({ from: bars.length - 60, to: bars.length + 2 });
    else this.#chart.timeScale().fitContent();
    this.#show(this.#bars.get(this.#last));
  }

  /** A trade: at a second, to a price in percent. */
  trade(second, price, volume) {
    const time = Math.max(Math.floor(second / this.#seconds) * this.#seconds, this.#last);
    const open = this.#bars.get(this.#last)?.close ?? price;
    const bar = this.#bars.get(time) ?? { time, open, high: Math.max(open, price), low: Math.min(open, price), close: price, volume: 0 };
    bar.high = Math.max(bar.high, price);
    bar.low = Math.min(bar.low, price);
    bar.close = price;
    bar.volume += volume;
    this.#bars.set(time, bar);
    this.#last = time;
    this.#price.update(this.#point(bar));
    this.#volume.update(this.#column(bar));
    this.#show(bar);
  }

  #point(bar) {
    return this.#isCandles ? { time: bar.time, open: bar.open, high: bar.high, low: bar.low, close: bar.close } : { time: bar.time, value: bar.close };
  }

  #column(bar) {
    return { time: bar.time, value: bar.volume / 1e9, color: css(bar.close >= bar.open ? "--yes-faint" : "--no-faint") };
  }

  #begin() {
    if (this.#price) this.#chart.removeSeries(this.#price);
    const priceFormat = { type: "custom", minMove: 0.01, formatter: (price) => `${price.toFixed(price < 10 ? 2 : 1)}%` };
    this.#price = this.#chart.addSeries(this.#isCandles ? CandlestickSeries : AreaSeries, { priceFormat, lineWidth: 2 });
    this.#dress();
  }

  #dress() {
    this.#chart.applyOptions({
      layout: { background: { color: css("--panel") }, textColor: css("--dim") },
      grid: { vertLines: { color: css("--grid") }, horzLines: { color: css("--grid") } },
      crosshair: {
        vertLine: { color: css("--dim"), labelBackgroundColor: css("--raised") },
        horzLine: { color: css("--dim"), labelBackgroundColor: css("--raised") },
      },
    });
    const [yes, no] = [css("--yes"), css("--no")];
    this.#price.applyOptions(
      this.#isCandles
        ? { upColor: yes, downColor: no, wickUpColor: yes, wickDownColor: no, borderVisible: false }
        : { lineColor: css("--accent"), topColor: css("--accent-faint"), bottomColor: "transparent" },
    );
    this.#volume.setData([...this.#bars.values()].map((bar) => this.#column(bar)));
  }

  #show(bar) {
    if (!bar) {
      this.#legend.textContent = "";
      return;
    }
    const [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map((price) => price.toFixed(2));
    const volume = amount(BigInt(Math.round(bar.volume)), 2);
    this.#legend.textContent = this.#seconds === 1 ? `${close}%  vol ${volume}` : `O ${open} H ${high} L ${low} C ${close}  vol ${volume}`;
  }
}
