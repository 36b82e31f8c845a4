import "./styles/fonts.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/pieces.css";
import "./styles/map.css";
import "./styles/views.css";
import { render } from "preact";
import { App } from "./shell";

render(<App />, document.getElementById("app")!);
