"""What programs do with pylxd, by the socket or, with an address and a certificate, over HTTPS."""

import json
import sys
import threading
import warnings

import pylxd
import pylxd.exceptions
from ws4py.client import WebSocketBaseClient

warnings.simplefilter("ignore")
ADDRESS, HOME, PASSWORD = sys.argv[1:]
CERTIFICATE = tuple(f"{HOME}/.config/lxc/client.{part}" for part in ("crt", "key"))


class UntilCreated(WebSocketBaseClient):
    """Listens until a profile has been made, and keeps its address."""

    def handshake_ok(self):
        pass

    def received_message(self, message):
        metadata = json.loads(message.data.decode())["metadata"]
        if metadata.get("action") == "profile-created":
            self.source = metadata["source"]
            self.close()


def profiles(client):
    events = client.events(websocket_client=UntilCreated)
    if client.cert:
        # Debian's pylxd leaves that to whoever listens.
        events.ssl_options = dict(zip(("certfile", "keyfile"), client.cert))
    events.connect()
    listener = threading.Thread(target=events.run)
    listener.start()
    client.profiles.create("py", config={"user.a": "1"}, devices={"n": {"type": "none"}})
    listener.join()
    assert events.source == "/1.0/profiles/py", events.source
    profile = client.profiles.get("py")
    assert profile.config == {"user.a": "1"} and profile.devices == {"n": {"type": "none"}}
    profile.description = "written by pylxd"
    profile.config["user.a"] = "2"
    profile.save()
    profile = client.profiles.get("py")
    assert profile.description == "written by pylxd" and profile.config == {"user.a": "2"}
    client.profiles.get("py").rename("python")
    assert not client.profiles.exists("py")
    assert [profile.name for profile in client.profiles.all()] == ["default", "python"]
    client.profiles.get("python").delete()
    refused(404, client.profiles.get, "python")
    refused(400, client.profiles.create, "a/b")


def members(client):
    assert client.cluster.get().enabled
    found = {member.server_name: member for member in client.cluster.members.all()}
    assert sorted(found) == ["node1", "node2"], found
    member = client.cluster.members.get("node2")
    assert member.status == "Online" and member.message == "Fully operational", member.status


def resources(client):
    assert [(pool.name, pool.driver) for pool in client.storage_pools.all()] == [("local", "dir")]
    assert client.storage_pools.get("local").used_by == ["/1.0/profiles/default"]
    managed = [network.name for network in client.networks.all() if network.managed]
    assert managed == ["lxdbr0"], managed


def certificates(client):
    own = [one for one in client.certificates.all() if one.type == "client"]
    assert len(own) == 1, own
    assert client.certificates.get(own[0].fingerprint).fingerprint == own[0].fingerprint
    own[0].delete()


def refused(code, function, *arguments):
    try:
        function(*arguments)
    except pylxd.exceptions.LXDAPIException as error:
        assert error.response.status_code == code, error
    else:
        raise AssertionError(f"{function} was not refused")


if ADDRESS == "socket":
    client = pylxd.Client()
else:
    client = pylxd.Client(endpoint=ADDRESS, cert=CERTIFICATE, verify=False)
    assert not client.trusted
    refused(403, client.profiles.all)
    client.authenticate(PASSWORD)
assert client.trusted and client.has_api_extension("clustering")
profiles(client)
members(client)
resources(client)
if ADDRESS != "socket":
    certificates(client)
    refused(403, client.profiles.all)
