"""Proves of haul-fakes3 what is not about single requests: its limits, that it forgets, TLS and threads."""

import os
import socket
import subprocess
import time
import unittest

from harness import Fake, WithFake


class Limited(WithFake):
    OPTIONS = ("--rate", "1", "--latency-us", "20000", "--bandwidth", "4000000", "--memory", "3000000")

    def test_rate_latency_bandwidth_and_memory(self):
        # Many more than one a second, however busy the machine is.
        outcomes = [self.fake.raw("HEAD", "/x-n10/0000000001-4096")[0] for _ in range(20)]
        self.assertIn(503, outcomes)
        self.assertGreaterEqual(self.fake.stats()["throttled"], 1)
        self.fake.control("PUT", "settings", {"rate": 0})
        began = time.monotonic()
        self.assertEqual(len(self.fake.raw("GET", "/x-n10-s1000000/0000000001-1000000")[2]), 1_000_000)
        self.assertGreater(time.monotonic() - began, 0.2)
        self.s3.create_bucket(Bucket="b")
        self.assertEqual(self.fake.raw("PUT", "/b/fits", b"x" * 1_000_000)[0], 200)
        self.assertEqual(self.fake.raw("PUT", "/b/does-not", b"x" * 2_500_000)[0], 507)
        self.assertEqual(self.fake.stats()["stored_bytes"], 1_000_000)


class Forgotten(WithFake):
    def test_a_request_from_before_a_reset_changes_nothing_after_it(self):
        # A client that was killed while its request waited once removed what the next test had put.
        self.s3.create_bucket(Bucket="b")
        self.fake.control("PUT", "settings", {"latency-us": 300_000})
        with socket.create_connection(("127.0.0.1", self.fake.port), 5) as s:
            s.sendall(b"DELETE /b/k HTTP/1.1\r\nHost: x\r\n\r\n")
            while not self.fake.stats()["operations"].get("DeleteObject"):
                time.sleep(0.01)
            self.fake.control("POST", "reset")
            self.s3.create_bucket(Bucket="b")
            self.s3.put_object(Bucket="b", Key="k", Body=b"x")
            self.assertEqual(s.recv(1), b"")  # given up, without an answer
        self.assertEqual(self.fake.raw("GET", "/b/k")[2], b"x")


class Encrypted(unittest.TestCase):
    def test_tls(self):
        import ssl
        import tempfile
        import urllib.request
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = folder + "/c.pem", folder + "/k.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                            "-keyout", key, "-out", certificate], check=True, capture_output=True)
            fake = Fake("--tls", certificate, key)
            try:
                context = ssl.create_default_context(cafile=certificate)
                base = f"https://localhost:{fake.port}"
                got = urllib.request.urlopen(base + "/x-n10-s3000000/0000000001-3000000", context=context).read()
                self.assertEqual(len(got), 3_000_000)
                body = os.urandom(3_000_000)
                urllib.request.urlopen(urllib.request.Request(base + "/b", method="PUT"), context=context)
                urllib.request.urlopen(urllib.request.Request(base + "/b/k", body, method="PUT"), context=context)
                self.assertEqual(urllib.request.urlopen(base + "/b/k", context=context).read(), body)
            finally:
                fake.stop()


class Threaded(unittest.TestCase):
    def test_several_threads_share_one_store(self):
        from concurrent.futures import ThreadPoolExecutor
        fake = Fake("--threads", "3")
        try:
            fake.client().create_bucket(Bucket="b")
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda i: fake.raw("PUT", f"/b/{i}", str(i).encode()), range(200)))
                got = list(pool.map(lambda i: fake.raw("GET", f"/b/{i}")[2], range(200)))
            self.assertEqual(got, [str(i).encode() for i in range(200)])
        finally:
            fake.stop()


if __name__ == "__main__":
    unittest.main()
