# SPDX-License-Identifier: Apache-2.0
"""The lab manager's own management API (/manage/...) and the forms of its web page.

Reading is open on loopback; everything that changes something needs the management token,
as `Authorization: Bearer TOKEN` or as the form field `token`.
"""

import hmac
import json
import re
import urllib.parse

import lab_page
from lab_actions import Refused
from lab_http import Response, json_response


class Management:
    def __init__(self, store, actions, token):
        self.store, self.actions, self.token = store, actions, token
        r = re.compile
        self.routes = (
            (r("GET /"), self.page),
            (r("GET /manage/content"), self.content),
            (r("GET /manage/devices"), lambda q: [self._device(d) for d in self.store.devices()]),
            (r("GET /manage/devices/([^/]+)"), self.device),
            (r("PUT /manage/devices/([^/]+)"), self.put_device),
            (r("POST /manage/devices/([^/]+)/request-attributes"), self.request_attributes),
            (r("GET /manage/modules"), lambda q: self.store.modules()),
            (r("POST /manage/modules"), self.add_module),
            (r("PUT /manage/modules/(\\d+)/artifacts/([^/]+)"), self.put_artifact),
            (r("GET /manage/actions"), lambda q: self.actions.listed()),
            (r("POST /manage/actions"), self.assign),
            (r("GET /manage/actions/(\\d+)"), self.action),
            (r("DELETE /manage/actions/(\\d+)"), self.cancel),
            (r("PUT /manage/settings/([a-z_]+)"), self.put_setting),
            (r("POST /form/assign"), self.form_assign),
            (r("POST /form/cancel"), self.form_cancel),
            (r("POST /form/rules"), self.form_rules),
        )

    def route(self, request):
        host = request.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in ("127.0.0.1", "localhost"):
            raise Refused(403, "this page is for the lab's own machine")
        for pattern, handler in self.routes:
            match = pattern.fullmatch(f"{request.method} {request.path}")
            if match:
                if request.method != "GET" and not request.path.startswith("/form/"):
                    self._check(request.headers.get("Authorization", "").removeprefix("Bearer "))
                answer = handler(request, *map(urllib.parse.unquote, match.groups()))
                return answer if isinstance(answer, Response) else json_response(answer)
        raise Refused(404, f"there is no {request.method} {request.path}")

    def _check(self, token):
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise Refused(401, "the management token is missing or wrong")

    def _device(self, device):
        shown = {key: value for key, value in device.items() if key not in ("token", "attributes", "auto_confirm")}
        return {**shown, "attributes": json.loads(device["attributes"])}

    def device(self, request, device_id):
        device = self.store.device(device_id)
        if device is None:
            raise Refused(404, f"no device {device_id}")
        return self._device(device)

    def put_device(self, request, device_id):
        self.store.ensure_device(device_id, request.json()["token"])
        return {}

    def request_attributes(self, request, device_id):
        self.store.want_attributes(device_id)
        return {}

    def add_module(self, request):
        body = request.json()
        return {"id": self.store.add_module(body["name"], body["version"], body.get("part", "os"), body.get("metadata", {}))}

    def put_artifact(self, request, module_id, filename):
        try:
            artifact = self.store.add_artifact(int(module_id), filename, request.stream, request.length)
        except ValueError as error:
            raise Refused(403, str(error)) from error
        request.consumed = True
        return artifact

    def assign(self, request):
        body = request.json()
        return {"id": self.actions.assign(body["device"], body["modules"], body.get("kind", "forced"), body.get("window"),
                                          body.get("weight", 1000), body.get("confirmation"), body.get("forced_at"))}

    def action(self, request, action_id):
        action = self.actions.get(int(action_id))
        if action is None:
            raise Refused(404, f"no action {action_id}")
        return {**action, "entries": self.actions.entries(int(action_id))}

    def cancel(self, request, action_id):
        self.actions.cancel(int(action_id), force=request.query.get("force") == "true")
        return {}

    def put_setting(self, request, key):
        try:
            self.store.set_setting(key, request.json())
        except ValueError as error:
            raise Refused(400, str(error)) from error
        return {}

    # the page -----------------------------------------------------------------------------------------------------
    def page(self, request):
        policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; form-action 'self'"
        return Response(200, lab_page.page(self.store, self.actions, self.token).encode(), "text/html; charset=utf-8",
                        {"Content-Security-Policy": policy, "X-Frame-Options": "DENY"})

    def content(self, request):
        return Response(200, lab_page.content(self.store, self.actions, self.token).encode(), "text/html; charset=utf-8")

    def _form(self, request):
        fields = {key: values[-1] for key, values in urllib.parse.parse_qs(request.body().decode("utf-8", "replace")).items()}
        self._check(fields.get("token", ""))
        return fields

    def form_assign(self, request):
        fields = self._form(request)
        if not fields.get("module", "").isdigit():
            raise Refused(400, "choose a package")
        self.actions.assign(fields.get("device", ""), [int(fields["module"])], fields.get("kind", "forced"), None)
        return Response(303, headers={"Location": "/"})

    def form_rules(self, request):
        fields = self._form(request)
        release, first = (int(fields[key]) if fields.get(key, "").isdigit() else None for key in ("release", "configuration"))
        self.store.set_setting("agent_release", release)
        self.store.set_setting("default_configuration",
                               {"modules": [first], "enforce_sequence": fields.get("enforce") == "on"} if first else None)
        return Response(303, headers={"Location": "/"})

    def form_cancel(self, request):
        self.actions.cancel(int(self._form(request).get("action", "0")))
        return Response(303, headers={"Location": "/"})
