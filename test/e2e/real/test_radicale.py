"""A calendar and contacts server (radicale): WebDAV and CalDAV through Portico, spoken by curl."""

import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from harness.curl import curl_command
from harness.program import find_program
from harness.wire import LIMIT

USER = "alice:a b:c"  # a password of Basic authentication may hold colons

CONFIG = """
[server]
hosts = 127.0.0.1:0
[auth]
type = htpasswd
htpasswd_filename = {directory}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {directory}/collections
[logging]
level = warning
"""

SPACES = {"D": "DAV:", "C": "urn:ietf:params:xml:ns:caldav", "A": "urn:ietf:params:xml:ns:carddav"}
XMLNS = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in SPACES.items())

EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//test//EN\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:20260101T000000Z\r
DTSTART:{day}T100000Z\r
DTEND:{day}T110000Z\r
SUMMARY:{summary}\r
END:VEVENT\r
END:VCALENDAR\r
"""

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:card\r\nFN:Bob \u00c9xample\r\nN:\u00c9xample;Bob;;;\r\nEND:VCARD\r\n"


def radicale_command(directory):
    (directory / "users").write_text(USER + "\n")
    config = directory / "config"
    config.write_text(CONFIG.format(directory=directory))
    return [find_program("radicale"), "--config", str(config)]


class Answer:
    def __init__(self, raw):
        """What curl -i wrote: interim answers, the head, the body."""
        while True:
            head, _, raw = raw.partition(b"\r\n\r\n")
            self.status = int(head.split(b" ")[1])
            if self.status >= 200:
                break
        self.fields = {name.lower(): value for name, value in re.findall(r"^([^:\r\n]+): *(.*?)\r?$", head.decode(), re.M)}
        self.body = raw

    def hrefs(self):
        return [each.text for each in ElementTree.fromstring(self.body).findall("D:response/D:href", SPACES)]

    def find(self, path):
        return ElementTree.fromstring(self.body).find("D:response/D:propstat/D:prop/" + path, SPACES)


@pytest.fixture
def dav(server_factory, behind):
    """A request to radicale by curl over HTTPS, as the user unless told otherwise."""
    portico = behind(server_factory(radicale_command))

    def ask(status, method, path, *fields, body=None, user=USER):
        options = ["-i", "--path-as-is"] + (["-u", user] if user else [])
        if body is not None:
            options += ["--data-binary", "@-"]
        for field in fields:
            options += ["-H", field]
        # The method after the data, which would make it a POST.
        command = curl_command(portico, "https", "https.test", path, *options, "-X", method)
        done = subprocess.run(command, input=(body or "").encode(), capture_output=True, timeout=2 * LIMIT)
        assert done.returncode == 0, done.stderr
        answer = Answer(done.stdout)
        assert answer.status == status, done.stdout
        return answer
    return ask


def make_calendar(dav, path):
    dav(201, "MKCALENDAR", path, body=f"""<?xml version="1.0"?>
        <C:mkcalendar {XMLNS}><D:set><D:prop><D:displayname>Caf\u00e9</D:displayname></D:prop></D:set></C:mkcalendar>""")


def make_address_book(dav, path):
    dav(201, "MKCOL", path, body=f"""<?xml version="1.0"?>
        <D:mkcol {XMLNS}><D:set><D:prop><D:resourcetype><D:collection/><A:addressbook/></D:resourcetype>
        </D:prop></D:set></D:mkcol>""")


def test_access(dav):
    """The challenge arrives, also when a body was sent that nobody read; what the server can do,
    and where clients that were given only the host are led."""
    answer = dav(401, "PROPFIND", "/alice/", user=None)
    assert answer.fields["www-authenticate"].startswith("Basic ")
    dav(401, "PUT", "/alice/calendar/x.ics", body="x" * 500_000, user="alice:wrong")
    answer = dav(200, "OPTIONS", "/alice/")
    assert "calendar-access" in answer.fields["dav"]
    assert {"PROPFIND", "REPORT", "MKCALENDAR", "MKCOL", "MOVE"} <= set(re.split(r", *", answer.fields["allow"]))
    for service in ("caldav", "carddav"):
        assert dav(301, "PROPFIND", f"/.well-known/{service}").fields["location"] == "/"


def test_calendar(dav):
    """A calendar's whole life: made, filled, listed, searched, changed under conditions, emptied."""
    home, calendar = "/alice/", "/alice/cal%20endar/"
    assert dav(207, "PROPFIND", home, "Depth: 0").hrefs() == [home]
    make_calendar(dav, calendar)
    dav(409, "MKCALENDAR", calendar)
    assert sorted(dav(207, "PROPFIND", home, "Depth: 1").hrefs()) == [home, calendar]
    named = dav(207, "PROPFIND", calendar, "Depth: 0", "Content-Type: application/xml; charset=utf-8", body=f"""<?xml version="1.0"?>
        <D:propfind {XMLNS}><D:prop><D:displayname/><D:sync-token/></D:prop></D:propfind>""")
    assert named.find("D:displayname").text == "Caf\u00e9"
    token = named.find("D:sync-token").text

    tags = {}
    for number, day in enumerate(("20260201", "20260301", "20260401")):
        event = EVENT.format(uid=f"event{number}", day=day, summary=f"Meeting {number} \u2713")
        answer = dav(201, "PUT", f"{calendar}{number}.ics", "If-None-Match: *", "Content-Type: text/calendar", body=event)
        tags[number] = answer.fields["etag"]
        dav(412, "PUT", f"{calendar}{number}.ics", "If-None-Match: *", body=event)
    got = dav(200, "GET", f"{calendar}1.ics")
    assert got.fields["etag"] == tags[1] and "SUMMARY:Meeting 1 \u2713" in got.body.decode()
    assert dav(200, "GET", calendar).body.count(b"BEGIN:VEVENT") == 3

    march = dav(207, "REPORT", calendar, "Depth: 1", body=f"""<?xml version="1.0"?>
        <C:calendar-query {XMLNS}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter>
        <C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">
        <C:time-range start="20260215T000000Z" end="20260315T000000Z"/></C:comp-filter></C:comp-filter></C:filter>
        </C:calendar-query>""")
    assert march.hrefs() == [f"{calendar}1.ics"]
    assert march.find("D:getetag").text == tags[1] and "UID:event1" in march.find("C:calendar-data").text
    two = dav(207, "REPORT", calendar, body=f"""<?xml version="1.0"?>
        <C:calendar-multiget {XMLNS}><D:prop><D:getetag/></D:prop>
        <D:href>{calendar}0.ics</D:href><D:href>{calendar}2.ics</D:href></C:calendar-multiget>""")
    assert sorted(two.hrefs()) == [f"{calendar}0.ics", f"{calendar}2.ics"]
    news = dav(207, "REPORT", calendar, body=f"""<?xml version="1.0"?>
        <D:sync-collection {XMLNS}><D:sync-token>{token}</D:sync-token><D:prop><D:getetag/></D:prop></D:sync-collection>""")
    assert len(news.hrefs()) == 3

    changed = EVENT.format(uid="event1", day="20260302", summary="Moved")
    dav(412, "PUT", f"{calendar}1.ics", f"If-Match: {tags[0]}", body=changed)
    answer = dav(201, "PUT", f"{calendar}1.ics", f"If-Match: {tags[1]}", body=changed)
    dav(412, "DELETE", f"{calendar}1.ics", f"If-Match: {tags[1]}")
    dav(200, "DELETE", f"{calendar}1.ics", f"If-Match: {answer.fields['etag']}")
    dav(404, "GET", f"{calendar}1.ics")
    dav(200, "DELETE", calendar)
    assert dav(207, "PROPFIND", home, "Depth: 1").hrefs() == [home]


def test_contacts(dav):
    """An address book by extended MKCOL, a card in it, a property changed with PROPPATCH; and MOVE,
    for which the server compares Destination's authority with Host: the one that the client sees."""
    make_address_book(dav, "/alice/book/")
    dav(201, "PUT", "/alice/book/bob.vcf", "Content-Type: text/vcard", body=CARD)
    assert "FN:Bob \u00c9xample" in dav(200, "GET", "/alice/book/bob.vcf").body.decode()
    found = dav(207, "REPORT", "/alice/book/", body=f"""<?xml version="1.0"?>
        <A:addressbook-multiget {XMLNS}><D:prop><D:getetag/></D:prop><D:href>/alice/book/bob.vcf</D:href></A:addressbook-multiget>""")
    assert found.hrefs() == ["/alice/book/bob.vcf"]
    dav(207, "PROPPATCH", "/alice/book/", body=f"""<?xml version="1.0"?>
        <D:propertyupdate {XMLNS}><D:set><D:prop><D:displayname>Foes</D:displayname></D:prop></D:set></D:propertyupdate>""")
    name = dav(207, "PROPFIND", "/alice/book/", "Depth: 0", body=f"""<?xml version="1.0"?>
        <D:propfind {XMLNS}><D:prop><D:displayname/></D:prop></D:propfind>""")
    assert name.find("D:displayname").text == "Foes"

    make_address_book(dav, "/alice/other/")
    dav(502, "MOVE", "/alice/book/bob.vcf", "Destination: https://elsewhere.test/alice/other/bob.vcf")
    dav(201, "MOVE", "/alice/book/bob.vcf", "Destination: https://https.test/alice/other/bob.vcf")
    dav(404, "GET", "/alice/book/bob.vcf")
    assert "FN:Bob \u00c9xample" in dav(200, "GET", "/alice/other/bob.vcf").body.decode()
