# SPDX-License-Identifier: Apache-2.0
"""The lab manager's web page: devices, a form to queue a job, jobs with their reports. One file, no external parts."""

import html
import json
import time

STYLE = """
:root{color-scheme:light dark;--line:#8886;--ok:#1a7f37;--bad:#c62828;--busy:#9a6700}
@media(prefers-color-scheme:dark){:root{--ok:#56d364;--bad:#ff7b72;--busy:#e3b341}}
body{font:15px/1.5 system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
.finished{color:var(--ok)}.error{color:var(--bad)}.canceled,.canceling,.running,.retrieved{color:var(--busy)}
form.row{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end}label{display:grid}select,button{font:inherit;padding:.25rem .6rem}
ol{margin:.2rem 0;padding-left:1.2rem}small{opacity:.75}
"""
SCRIPT = """
async function again(){try{const r=await fetch('/manage/content');if(r.ok){
const open=[...document.querySelectorAll('details[open]')].map(d=>d.id);
if(!document.activeElement||!document.activeElement.closest('#live')){document.getElementById('live').innerHTML=await r.text();
open.forEach(i=>{const d=document.getElementById(i);if(d)d.open=true})}}}catch(e){}setTimeout(again,2000)}
setTimeout(again,2000)
"""


def text(value):
    return html.escape("" if value is None else str(value))


def when(stamp):
    return time.strftime("%H:%M:%S", time.localtime(stamp / 1000)) if stamp else "never"


def table(heads, rows, empty):
    if not rows:
        return f"<p>{text(empty)}</p>"
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _device(device):
    attributes = json.loads(device["attributes"])
    details = ""
    if attributes:
        items = "".join(f"<li>{text(key)} = {text(value)}</li>" for key, value in sorted(attributes.items()))
        details = f'<details id="d-{text(device["id"])}"><summary>{len(attributes)}</summary><ul>{items}</ul></details>'
    return text(device["id"]), when(device["last_poll"]), text(device["address"]), text(device["installed"]), details


def _entry(entry):
    code = f" (code {entry['code']})" if entry["code"] is not None else ""
    lines = "".join(f"<li>{text(line)}</li>" for line in entry["messages"])
    return f"<li><b>{text(entry['status'].lower())}</b>{code} <small>{when(entry['at'])}</small><ul>{lines}</ul></li>"


def _action(action, entries, token):
    state = action["state"].lower()
    reports = f'<details id="a-{action["id"]}"><summary>{len(entries)} entries</summary><ol>{"".join(map(_entry, entries))}</ol></details>'
    stop = ""
    if action["active"] and state != "canceling":
        stop = (f'<form method="post" action="/form/cancel"><input type="hidden" name="token" value="{text(token)}">'
                f'<button name="action" value="{action["id"]}">Cancel job {action["id"]}</button></form>')
    return (text(action["id"]), text(action["device"]), text(f"{action['name']} {action['version']}"), text(action["kind"]),
            f'<span class="{state}">{text(state)}</span>', reports, stop)


def content(store, actions, token):
    """The part of the page that changes while one looks at it."""
    devices = table(("Device", "Last poll", "Address", "Installed", "Attributes"), list(map(_device, store.devices())),
                    "No device has registered yet.")
    jobs = [_action(action, actions.entries(action["id"]), token) for action in actions.listed()[:100]]
    return (f"<h2>Devices</h2>{devices}<h2>Jobs and reports</h2>"
            + table(("Job", "Device", "Package", "Kind", "State", "Reports", ""), jobs, "No job has been queued yet."))


def _rules(store, token):
    """What devices are given without an operator: the newest agent, and a default configuration."""
    configuration = store.setting("default_configuration") or {"modules": []}

    def choice(chosen):
        rows = [f'<option value="{module["id"]}"{" selected" if module["id"] == chosen else ""}>{text(module["name"])} {text(module["version"])}</option>'
                for module in store.modules()]
        return f'<option value="">none</option>{"".join(rows)}'
    enforced = " checked" if configuration.get("enforce_sequence") else ""
    return (f'<form class="row" method="post" action="/form/rules"><input type="hidden" name="token" value="{text(token)}">'
            f'<label>Upgrade older agents to <select name="release">{choice(store.setting("agent_release"))}</select></label>'
            f'<label>Default configuration <select name="configuration">{choice(next(iter(configuration["modules"]), None))}</select></label>'
            f'<label>Enforce sequence <input type="checkbox" name="enforce"{enforced}></label><button>Set rules</button></form>')


def page(store, actions, token):
    devices = "".join(f"<option>{text(device['id'])}</option>" for device in store.devices())
    modules = "".join(f'<option value="{module["id"]}">{text(module["name"])} {text(module["version"])}</option>'
                      for module in store.modules())
    form = (f'<form class="row" method="post" action="/form/assign"><input type="hidden" name="token" value="{text(token)}">'
            f'<label>Device <select name="device">{devices}</select></label>'
            f'<label>Package <select name="module">{modules}</select></label>'
            '<label>Kind <select name="kind"><option>forced</option><option>soft</option><option>downloadonly</option></select></label>'
            "<button>Queue job</button></form>")
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f'<link rel="icon" href="data:,"><title>Lab manager</title><style>{STYLE}</style>'
            '<noscript><meta http-equiv="refresh" content="5"></noscript></head>'
            f'<body><main><h1>Lab manager</h1><h2>Queue a job</h2>{form}<h2>Rules</h2>{_rules(store, token)}<div id="live">{content(store, actions, token)}</div></main>'
            f"<script>{SCRIPT}</script></body></html>")
