# SPDX-License-Identifier: Apache-2.0
"""What each FTP reply must lead to at each stage: rules taken from the specification of transfers and from RFC 959, written
down here by hand so that they can disagree with the agent's own tables."""

import re

# The 39 replies of the seed with what the message has to be about, then those of FTPS and EPSV. None: never an error by itself.
CODES = {
    110: None, 120: None, 125: None, 150: None,
    200: None, 202: None, 211: None, 212: None, 213: None, 214: None, 215: None, 220: None, 221: None, 225: None, 226: None, 227: None,
    230: None, 250: None, 257: None,
    331: None, 332: "account", 350: None,
    421: "going away|full|closing", 425: "connection", 426: "connection", 450: "in use|busy", 451: "trouble", 452: "space",
    500: "understand", 501: "understand|argument|parameter", 502: "command", 503: "order|sequence|at this point", 504: "command|parameter|option",
    530: "password|log in", 532: "account", 550: "not on the server", 551: "structure|page", 552: "space", 553: "name",
    229: None, 232: None, 234: None, 522: "protocol|network|address", 533: "protect|encrypt", 534: "policy|security|encrypt|secur",
    535: "security|encryption", 536: "protect|level", 537: "protect|level",
}
SEED = tuple(code for code in CODES if code not in (229, 232, 234, 522, 533, 534, 535, 536, 537))

DOWNLOAD_STAGES = ("greeting", "USER", "PASS", "PWD", "CWD", "TYPE", "SIZE", "MDTM", "REST", "EPSV", "PASV", "RETR", "data", "final", "QUIT")
UPLOAD_STAGES = ("STOR", "stored")  # `stored` is the last reply of an upload, `final` that of a download
STAGES = DOWNLOAD_STAGES[:-1] + UPLOAD_STAGES + DOWNLOAD_STAGES[-1:]

# How the agent calls the stage of the reply where it differs from the row's name.
SHOWN = {"data": "end of data", "final": "end of data", "stored": "end of data"}

# Classes of what follows from a reply.
GO_ON = "go on"                # the file arrives by this one try
AGAIN = "again"                # transient: the same later, from the bytes at hand, a bounded number of times
WITHOUT = "without"            # the same at once, leaving out the command; never a second time
ELSEWHERE = "elsewhere"        # permanent: never the same again; another source, else the end
STOP = "stop"                  # the end, whatever other sources there are: logins are never hammered
OUT_OF_PLACE = "out of place"  # no answer to this command: like ELSEWHERE, and the message names number and command
CUT = "cut"                    # no refusal, but not everything came: like AGAIN, and the message says that it was cut
AT_HAND = "at hand"            # refused after the last byte: one more look shows that nothing is left to fetch

LOGIN = (332, 532)             # wants an account that nobody configured; account to store
FULL = 530                     # in an anonymous login, as here, no password can be wrong: the server is full


def transient(code):
    return 400 <= code < 500


def permanent(code):
    return code >= 500


# (stages, codes, class, why). The first row that fits counts. Codes: a set, or a predicate.
RULES = (
    ("QUIT", lambda code: True, GO_ON, "the file is there already; the farewell changes nothing"),
    ("final", lambda code: 200 <= code < 300, GO_ON, "2yz: done; whichever it is"),
    ("final", lambda code: code < 400 and code not in LOGIN, GO_ON, "no refusal, and SIZE says that every byte is there"),
    ("stored", lambda code: 200 <= code < 300, GO_ON, "2yz: done; whichever it is"),
    ("data stored", lambda code: code < 400 and code not in LOGIN, CUT, "not refused, not done either"),
    ("greeting USER PASS PWD CWD TYPE SIZE MDTM REST EPSV PASV RETR STOR data stored", {421}, AGAIN,
     "421 may answer any command: the service closes, connect anew"),
    ("final", lambda code: transient(code) or code == FULL, AT_HAND, "4yz: the same later, from the bytes at hand, which are all of them"),
    ("greeting USER PASS CWD TYPE REST PASV RETR STOR data stored", {FULL}, AGAIN, "530 to an anonymous login: busy; it is waited for"),
    ("PWD", lambda code: True, GO_ON, "where the login stands is not needed"),
    ("SIZE MDTM", lambda code: True, GO_ON, "a server without them still sends the file; nothing is at stake before the first byte"),
    ("EPSV", lambda code: True, GO_ON, "whatever is no address: PASV asks for the same, in the same conversation"),
    ("REST", {350}, GO_ON, "350: it sends the rest"),
    ("greeting USER PASS CWD TYPE REST PASV RETR STOR data final stored", LOGIN, STOP, "never hammer a login; there is no account to give"),
    ("greeting USER PASS CWD TYPE REST PASV RETR STOR data stored", transient, AGAIN, "4yz: from the start of the sequence, later"),
    ("REST", lambda code: True, WITHOUT, "nothing but 350 means that the offset counts: fetch all of it"),
    ("greeting USER PASS CWD TYPE PASV RETR STOR data final stored", permanent, ELSEWHERE, "5yz: do not repeat the same request"),
    ("greeting", {120}, GO_ON, "120: ready in some minutes; another reply follows on the same connection"),
    ("greeting", {220, 230}, GO_ON, "220; 230 when no login is wanted"),
    ("USER", lambda code: code == 331 or 200 <= code < 300, GO_ON, "331: send PASS; 2yz: in already"),
    ("PASS CWD TYPE", lambda code: 200 <= code < 300, GO_ON, "2yz"),
    ("PASV", {227}, GO_ON, "227"),
    ("RETR", {125, 150}, GO_ON, "125, 150: the data follow"),
    ("STOR", lambda code: code < 200, GO_ON, "1yz: it waits for the data"),
    ("greeting USER PASS CWD TYPE PASV RETR STOR", lambda code: code < 400, OUT_OF_PLACE, "neither asked for nor a refusal"),
)


def rule(code, stage):
    """(class, why); KeyError when no row fits, which would be an empty cell."""
    for stages, codes, kind, why in RULES:
        if stage in stages.split() and (codes(code) if callable(codes) else code in codes):
            return kind, why
    raise KeyError((code, stage))


def expected(code, stage, mode, attempts):
    """([(decision, waits?)...], error) for a mode: always, once, twice, other (once, with a second source).
    error: None, or (protocol, number, retry, pattern that its text must match)."""
    kind, _ = rule(code, stage)
    upload, stage_name = stage in UPLOAD_STAGES, SHOWN.get(stage, stage)
    at_hand = stage in ("REST", "data", "final")
    same = "resume" if at_hand else "retry"
    own = ("ftp", code, "transient" if transient(code) else "permanent", f"(?s)({CODES[code]}).*after {stage_name}")
    if code == FULL and kind == AGAIN:
        own = ("agent", 1340, "transient", f"(?s)(full).*after {stage_name}")
    if kind == GO_ON:
        return [("accept", False)], None
    if kind == WITHOUT:
        return [("restart", False), ("accept", False)], None
    if kind == AT_HAND:
        return [("resume", True), ("accept", False)], None
    if kind in (AGAIN, CUT):
        error = own if kind == AGAIN else ("agent", 1320, "transient", "before the whole file")
        times = {"always": attempts, "once": 1, "twice": 2, "other": 1}[mode]
        if times < attempts:
            return [(same, True)] * times + [("accept", False)], None
        return [(same, True)] * (attempts - 1) + [("give_up", False)], error
    if kind == OUT_OF_PLACE:
        error = ("agent", 1305, "permanent", rf"{code} after {stage_name}\b")
    else:
        error = own
    if mode == "other" and kind != STOP and not upload:
        return [("next_source", False), ("accept", False)], None
    return [("give_up", False)], error


def matches(error, pattern):
    return re.search(pattern, error["text"] + " " + error["next"], re.IGNORECASE) is not None
