# SPDX-License-Identifier: Apache-2.0
"""hawkBit's device API (DDI v1): from a request to an answer."""

import hmac
import json
import re
import time
import urllib.parse

import lab_windows
from lab_actions import Refused
from lab_http import Response, file_response, json_response
from lab_rules import Rules

TENANT = "DEFAULT"
PARTS = {"application": "bApp", "runtime": "jvm"}
MAX_ATTRIBUTES, MAX_ATTRIBUTE_TEXT, MAX_HISTORY = 100, 128, 100
FLOOR_S = 30


def seconds(text):
    hours, minutes, rest = map(int, text.split(":"))
    return hours * 3600 + minutes * 60 + rest


def clock_text(value):
    return f"{value // 3600:02}:{value // 60 % 60:02}:{value % 60:02}"


class Ddi:
    def __init__(self, store, actions):
        self.store, self.actions, self.rules = store, actions, Rules(store, actions)
        r = re.compile
        self.routes = (  # path below the device, its methods
            (r(""), {"GET": self.poll}),
            (r("configData"), {"PUT": self.config_data}),
            (r("deploymentBase/([^/]+)"), {"GET": self.deployment}),
            (r("deploymentBase/([^/]+)/feedback"), {"POST": self.deployment_feedback}),
            (r("cancelAction/([^/]+)"), {"GET": self.cancel}),
            (r("cancelAction/([^/]+)/feedback"), {"POST": self.cancel_feedback}),
            (r("confirmationBase"), {"GET": self.confirmation_base}),
            (r("confirmationBase/activateAutoConfirm"), {"POST": self.activate_auto_confirm}),
            (r("confirmationBase/deactivateAutoConfirm"), {"POST": self.deactivate_auto_confirm}),
            (r("confirmationBase/([^/]+)"), {"GET": self.confirmation}),
            (r("confirmationBase/([^/]+)/feedback"), {"POST": self.confirmation_feedback}),
            (r("installedBase"), {"PUT": self.set_installed}),
            (r("installedBase/([^/]+)"), {"GET": self.installed}),
            (r("softwaremodules/([^/]+)/artifacts"), {"GET": self.artifact_list}),
            (r("softwaremodules/([^/]+)/artifacts/([^/]+)"), {"GET": self.artifact}),
        )

    def route(self, request):
        """Answers /TENANT/controller/v1/DEVICE/...; None when the path is not of this API."""
        if len(request.segments) < 4 or request.segments[1:3] != ["controller", "v1"]:
            return None
        tenant, device_id = request.segments[0], request.segments[3]
        self._authorise(request, tenant, device_id)
        tail = "/".join(urllib.parse.quote(part, safe="~") for part in request.segments[4:])
        for pattern, methods in self.routes:
            match = pattern.fullmatch(tail)
            if match:
                method = "GET" if request.method == "HEAD" else request.method
                if method not in methods:
                    return Response(405, headers={"Allow": ", ".join(methods)})
                return methods[method](request, device_id, *map(urllib.parse.unquote, match.groups()))
        raise Refused(404, f"there is no {request.path}")

    def _authorise(self, request, tenant, device_id):
        given = request.headers.get("Authorization", "")
        device = self.store.device(device_id)
        gateway = self.store.setting("gateway_token")
        allowed = tenant == TENANT and (
            device is not None and self.store.setting("target_token")
            and hmac.compare_digest(given.encode(), f"TargetToken {device['token']}".encode())
            or gateway and hmac.compare_digest(given.encode(), f"GatewayToken {gateway}".encode()))
        if not allowed:
            raise Refused(401, "the token is missing or wrong")
        if device is None:
            if len(request.segments) > 4:
                raise Refused(404, f"device {device_id} is not known; it registers with its first poll")
            self.store.ensure_device(device_id, "")

    # poll ---------------------------------------------------------------------------------------------------------
    def poll(self, request, device_id):
        self.store.polled(device_id, request.peer)
        self.actions.expire(device_id)
        self.rules.apply(device_id)
        device, base = self.store.device(device_id), self._base(request, device_id)
        links = {}
        waiting = self.actions.open_of(device_id)
        if waiting:
            rel, href = self._action_link(base, waiting[0])
            links[rel] = {"href": href}
        if device["installed_action"]:
            links["installedBase"] = {"href": f"{base}/installedBase/{device['installed_action']}"}
        if device["want_attributes"]:
            links["configData"] = {"href": f"{base}/configData"}
        sleep = self._sleep(waiting[0] if waiting else None)
        answer = {"config": {"polling": {"sleep": sleep}}, **({"_links": links} if links else {})}  # hawkBit leaves it out too
        return json_response(answer, request=request)

    def _action_link(self, base, action):
        if action["state"] == "WAIT_FOR_CONFIRMATION":
            return "confirmationBase", f"{base}/confirmationBase/{action['id']}?c={self.actions.link_hash(action)}"
        if action["state"] == "CANCELING":
            return "cancelAction", f"{base}/cancelAction/{action['id']}"
        return "deploymentBase", f"{base}/deploymentBase/{action['id']}?c={self.actions.link_hash(action)}"

    def _sleep(self, action):
        """The polling time; a third of the rest before a maintenance window opens, when that is sooner."""
        interval = seconds(self.store.setting("polling"))
        if action and action["window"]:
            window, now = lab_windows.from_dict(json.loads(action["window"])), time.time()
            start = None if window.is_open(now) else window.next_start(now)
            if start is not None and (start - now) / 3 < interval:
                interval = max(int((start - now) / 3), min(FLOOR_S, interval))
        return clock_text(interval)

    def config_data(self, request, device_id):
        body = request.json()
        mode, data = (body.get("mode") or "merge", body.get("data")) if isinstance(body, dict) else ("", None)
        if mode not in ("merge", "replace", "remove") or not isinstance(data, dict):
            raise Refused(400, "configData needs data, and a mode of merge, replace or remove")
        for text in [*data.keys(), *(value for value in data.values() if mode != "remove")]:
            if not isinstance(text, str) or len(text) > MAX_ATTRIBUTE_TEXT or not re.fullmatch(r"[ -~]*", text):
                raise Refused(400, f"an attribute is no printable ASCII text of at most {MAX_ATTRIBUTE_TEXT} characters")
        if "" in data:
            raise Refused(400, "an attribute has no name")
        kept = {} if mode == "replace" else json.loads(self.store.device(device_id)["attributes"])
        result = {key: value for key, value in kept.items() if key not in data} if mode == "remove" else {**kept, **data}
        if len(result) > MAX_ATTRIBUTES:
            raise Refused(429, f"{len(result)} attributes; {MAX_ATTRIBUTES} are allowed")
        self.store.set_attributes(device_id, result)
        return Response(200)

    # deployment -----------------------------------------------------------------------------------------------------
    def deployment(self, request, device_id, action_id):
        action = self.actions.of_device(device_id, action_id)
        if action["state"] in ("CANCELING", "CANCELED", "WAIT_FOR_CONFIRMATION"):
            raise Refused(404, f"action {action_id} is {action['state'].lower()}")
        self.actions.retrieved(action)
        return json_response(self._job(request, device_id, action, "deployment"), request=request)

    def _job(self, request, device_id, action, key):
        download, update = self.actions.handling(action)
        base, window = self._base(request, device_id), self.actions.window_state(action)
        job = {"download": download, "update": update}
        if window:
            job["maintenanceWindow"] = window
        job["chunks"] = [self._chunk(base, module) for module in json.loads(action["modules"])]
        answer = {"id": str(action["id"]), key: job}
        wanted = request.query.get("actionHistory", "0")
        limit = int(wanted) if re.fullmatch(r"-?\d+", wanted) else 0
        if limit:
            answer["actionHistory"] = self._history(action, MAX_HISTORY if limit < 0 else min(limit, MAX_HISTORY))
        return answer

    def _history(self, action, limit):
        texts = [text for entry in reversed(self.actions.entries(action["id"])) if not entry["by_server"]
                 for text in entry["messages"]]
        return {"status": action["state"], "messages": texts[:limit]}

    def _chunk(self, base, module_id):
        module = self.store.module(module_id)
        metadata = [{"key": key, "value": value} for key, value in json.loads(module["metadata"]).items()]
        chunk = {"part": PARTS.get(module["part"], module["part"]), "version": module["version"], "name": module["name"],
                 "artifacts": self._artifacts(base, module_id)}
        return {**chunk, "metadata": metadata} if metadata else chunk

    def _artifacts(self, base, module_id):
        found = []
        for artifact in self.store.artifacts(module_id):
            name = urllib.parse.quote_plus(artifact["filename"], safe="*-._").replace("~", "%7E")
            href = f"{base}/softwaremodules/{module_id}/artifacts/{name}"
            found.append({"filename": artifact["filename"], "size": artifact["size"],
                          "hashes": {key: artifact[key] for key in ("sha1", "md5", "sha256")},
                          "_links": {"download-http": {"href": href}, "md5sum-http": {"href": f"{href}.MD5SUM"}}})
        return found

    def deployment_feedback(self, request, device_id, action_id):
        self.actions.deployment_feedback(device_id, action_id, request.json())
        return Response(200)

    def cancel(self, request, device_id, action_id):
        action = self.actions.of_device(device_id, action_id)
        if action["state"] != "CANCELING":
            raise Refused(404, f"action {action_id} is not being cancelled")
        return json_response({"id": action_id, "cancelAction": {"stopId": action_id}}, request=request)

    def cancel_feedback(self, request, device_id, action_id):
        self.actions.cancel_feedback(device_id, action_id, request.json())
        return Response(200)

    # confirmation ---------------------------------------------------------------------------------------------------
    def confirmation_base(self, request, device_id):
        auto = self.store.device(device_id)["auto_confirm"]
        base = f"{self._base(request, device_id)}/confirmationBase"
        links = {("deactivateAutoConfirm" if auto else "activateAutoConfirm"):
                 {"href": f"{base}/{'deactivate' if auto else 'activate'}AutoConfirm"}}
        for action in self.actions.open_of(device_id):
            if action["state"] == "WAIT_FOR_CONFIRMATION":
                links["confirmationBase"] = {"href": self._action_link(self._base(request, device_id), action)[1]}
                break
        return json_response({"autoConfirm": json.loads(auto) if auto else {"active": False}, "_links": links}, request=request)

    def confirmation(self, request, device_id, action_id):
        action = self.actions.of_device(device_id, action_id)
        if action["state"] != "WAIT_FOR_CONFIRMATION":
            raise Refused(404, f"action {action_id} waits for no confirmation")
        return json_response(self._job(request, device_id, action, "confirmation"), request=request)

    def confirmation_feedback(self, request, device_id, action_id):
        self.actions.confirmation_feedback(device_id, action_id, request.json())
        return Response(200)

    def activate_auto_confirm(self, request, device_id):
        body = request.json() if request.length else {}
        if self.store.device(device_id)["auto_confirm"]:
            raise Refused(409, "auto-confirm is active already")
        chosen = {key: body[key] for key in ("initiator", "remark") if isinstance(body, dict) and body.get(key)}
        self.store.set_auto_confirm(device_id, {"active": True, **chosen, "activatedAt": int(time.time() * 1000)})
        for action in self.actions.open_of(device_id):
            if action["state"] == "WAIT_FOR_CONFIRMATION":
                self.actions.confirm(action["id"], ["confirmed automatically"])
        return Response(200)

    def deactivate_auto_confirm(self, request, device_id):
        self.store.set_auto_confirm(device_id, None)
        return Response(200)

    # installed ------------------------------------------------------------------------------------------------------
    def installed(self, request, device_id, action_id):
        action = self.actions.of_device(device_id, action_id)
        if self.store.device(device_id)["installed_action"] != action["id"]:
            raise Refused(404, f"action {action_id} is not what is installed")
        return json_response(self._job(request, device_id, action, "deployment"), request=request)

    def set_installed(self, request, device_id):
        body = request.json()
        if not isinstance(body, dict) or not body.get("name") or not body.get("version"):
            raise Refused(400, "name and version are mandatory")
        text = f"{body['name']}:{body['version']}"
        known = self.store.device(device_id)["installed"] == text
        if not known:
            self.store.set_installed(device_id, text, None, int(time.time() * 1000))
        return Response(200 if known else 201)

    # artifacts ------------------------------------------------------------------------------------------------------
    def _module(self, device_id, module_id, active_only):
        found = self.store.rows("SELECT * FROM actions WHERE device=?", device_id)
        for action in found:
            usable = action["active"] and action["state"] not in ("CANCELING", "CANCELED", "WAIT_FOR_CONFIRMATION")
            if module_id.isdigit() and int(module_id) in json.loads(action["modules"]) and (usable or not active_only):
                return int(module_id), action
        raise Refused(404, f"module {module_id} is not assigned to {device_id}")

    def artifact_list(self, request, device_id, module_id):
        module, _ = self._module(device_id, module_id, active_only=False)
        return json_response(self._artifacts(self._base(request, device_id), module), request=request)

    def artifact(self, request, device_id, module_id, filename):
        module, action = self._module(device_id, module_id, active_only=True)
        if self.store.artifact(module, filename) is None:
            filename = filename.replace("+", " ")  # the links are form-encoded
        checksum = filename.endswith(".MD5SUM")
        artifact = self.store.artifact(module, filename.removesuffix(".MD5SUM") if checksum else filename)
        if artifact is None:
            raise Refused(404, f"module {module_id} has no artifact {filename}")
        if checksum:
            return Response(200, f"{artifact['md5']}  {artifact['filename']}".encode(), "text/plain")
        response = file_response(request, self.store.blob(artifact), artifact["size"], artifact["sha1"], artifact["stored"])
        if response.status == 200 and request.method == "GET" and "Range" not in request.headers:
            self.actions.note(action["id"], "DOWNLOAD", f"the device downloads {artifact['filename']}")
        return response

    def _base(self, request, device_id):
        return f"{request.base()}/{TENANT}/controller/v1/{urllib.parse.quote(device_id)}"
