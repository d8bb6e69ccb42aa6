"""Starts haul-fakes3 (the program that HAUL_FAKES3 names) and speaks to it: boto3, raw HTTP, its control endpoint."""

import http.client
import json
import os
import subprocess
import unittest

import boto3
import botocore.exceptions
from botocore.config import Config

PROGRAM = os.environ["HAUL_FAKES3"]
SOURCE = ("AKIASOURCE0000000001", "source-secret-of-forty-characters-000001")
DESTINATION = ("AKIADESTIN0000000002", "destin-secret-of-forty-characters-000002")
ACCOUNTS = ["--account", "source=%s:%s" % SOURCE, "--account", "destination=%s:%s" % DESTINATION]
MIB = 1 << 20


class Fake:
    """A running server and what tests say to it."""

    def __init__(self, *options):
        self.process = subprocess.Popen([PROGRAM, *ACCOUNTS, *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline().split()
        assert line and line[0] == "listening", line
        self.port = int(line[1])
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    def client(self, service="s3", keys=SOURCE, token=None, region="us-east-1", **config):
        s3 = {"addressing_style": config.pop("addressing", "path")}
        return boto3.client(
            service, endpoint_url=self.endpoint, aws_access_key_id=keys[0], aws_secret_access_key=keys[1],
            aws_session_token=token, region_name=region,
            config=Config(s3=s3, retries={"max_attempts": config.pop("attempts", 0)}, read_timeout=10,
                          parameter_validation=False, **config))

    def raw(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, target, skip_host="Host" in (headers or {}))
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()
        finally:
            connection.close()

    def control(self, method, what, document=None):
        body = json.dumps(document).encode() if document is not None else None
        status, _, text = self.raw(method, "/_fakes3/" + what, body)
        return status, json.loads(text)

    def faults(self, *rules):
        status, answer = self.control("PUT", "faults", {"rules": list(rules)})
        assert status == 200, answer

    def stats(self):
        return self.control("GET", "stats")[1]


class WithFake(unittest.TestCase):
    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.fake = Fake(*cls.OPTIONS)

    @classmethod
    def tearDownClass(cls):
        cls.fake.stop()

    def setUp(self):
        self.fake.control("POST", "reset")
        self.s3 = self.fake.client()

    def refused(self, code, call, *positional, **named):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(*positional, **named)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response
