# SPDX-License-Identifier: Apache-2.0
"""Owns the smallest device that can talk to a DDI server: polls, follows links, downloads ranges, reports."""

import json
import urllib.error
import urllib.request

TIMEOUT_S = 60


class Reply:
    """Status, headers and body of one answer; error statuses are answers like any other."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class DdiClient:
    """One device. `token_kind` is TargetToken or GatewayToken; without a token none is sent."""

    def __init__(self, base_url, device_id, token=None, token_kind="TargetToken", tenant="DEFAULT"):
        self._root = f"{base_url}{tenant}/controller/v1/{device_id}"
        self._authorization = f"{token_kind} {token}" if token is not None else None

    def call(self, method, url, body=None, headers=None):
        headers = dict(headers or {})
        data = None
        if self._authorization:
            headers["Authorization"] = self._authorization
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode("utf-8")
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
                return Reply(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Reply(refusal.code, refusal.headers, refusal.read())

    def poll(self):
        return self.call("GET", self._root)

    def links(self):
        """The links that a poll offers, {name: address}."""
        return {name: link["href"] for name, link in self.poll().json().get("_links", {}).items()}

    def send_attributes(self, attributes):
        return self.call("PUT", f"{self._root}/configData", {"mode": "replace", "data": attributes})

    def deployment(self):
        """The deployment that a poll offers now, None without one."""
        address = self.links().get("deploymentBase")
        return self.call("GET", address).json() if address else None

    def report(self, action_id, execution, finished="none", messages=(), base="deploymentBase"):
        body = {"id": action_id, "status": {"execution": execution, "result": {"finished": finished},
                                            "details": list(messages)}}
        return self.call("POST", f"{self._root}/{base}/{action_id}/feedback", body)
