// The legend, from the server's scales: widths of flows, the bottleneck mark, the kinds of places.
import { useEffect, useRef } from "preact/hooks";
import { tonnes } from "../format";
import { s } from "../strings";
import type { Styles } from "../types";
import { flowPx } from "./layers";

/** A short line in a mode's colour or a state's dashes. */
export function LineMark({ colour, width = 3, dash = [] }: { colour: string; width?: number; dash?: number[] }) {
  return (
    <svg class="line-mark" width="28" height="16" aria-hidden="true">
      <line x1="1" x2="27" y1="8" y2="8" stroke={colour} stroke-width={width} stroke-dasharray={dash.join(" ")} />
    </svg>
  );
}

const SHAPES: Record<string, string> = { port: "M4 4h8v8H4z", border: "M8 3l5 5-5 5-5-5z", dry_port: "M8 4.2a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6z", place: "M8 5.4a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2z" };

export function NodeMark({ kind }: { kind: string }) {
  return (
    <svg class="node-mark" width="16" height="16" aria-hidden="true">
      <path d={SHAPES[kind] ?? SHAPES["place"]} fill={kind === "place" ? "#1f2933" : "#fff"} stroke="#1f2933" stroke-width="1.3" />
    </svg>
  );
}

export function Legend({ styles, flows, marks, nodes, scale = 1 }: { styles: Styles; flows: boolean; marks: boolean; nodes: boolean; scale?: number }) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (box.current && matchMedia("(max-width: 760px)").matches) box.current.open = false;
  }, []);
  return (
    <details class="legend" open ref={box}>
      <summary>{s.map.legend}</summary>
      {flows && (
        <div class="legend-part">
          <h4>{s.map.flowLegend}</h4>
          <ul>
            {styles.flow.legend.map((t) => (
              <li key={t}>
                <LineMark colour="#5b6770" width={flowPx(styles.flow, t) * scale} />
                {tonnes(t)}
              </li>
            ))}
            <li>
              <LineMark colour="#5b6770" width={styles.idle_px} />
              {s.map.idle}
            </li>
          </ul>
        </div>
      )}
      {marks && (
        <div class="legend-part">
          <ul>
            <li>
              <span class="rank" aria-hidden="true">
                1
              </span>
              {s.map.bottleneckLegend}
            </li>
          </ul>
        </div>
      )}
      {nodes && (
        <div class="legend-part legend-row">
          {(["port", "border", "dry_port", "place"] as const).map((k) => (
            <span key={k}>
              <NodeMark kind={k} />
              {s.map.kinds[k]}
            </span>
          ))}
        </div>
      )}
    </details>
  );
}
