"""A server for the tests of uri and get_url: `web_server.py PORT`, on 127.0.0.1, until it is killed.

/echo answers with the request, without what differs between clients of the same mind."""
import base64
import email.utils
import gzip
import hashlib
import http.server
import json
import re
import socketserver
import sys
import time

FILES={'/f.txt':b'hello file\n','/big':b'x'*300000}
MTIME='Wed, 21 Oct 2020 07:28:00 GMT'
class H(http.server.BaseHTTPRequestHandler):
    protocol_version='HTTP/1.1'
    def log_message(self,*a): pass
    def send(self,code,body=b'',ctype='text/plain',**h):
        self.send_response(code)
        self.send_header('Content-Type',ctype); 
        if code!=304 and code!=204: self.send_header('Content-Length',str(len(body)))
        for k,v in h.items():
            for x in (v if isinstance(v,list) else [v]): self.send_header(k.replace('_','-'),x)
        self.end_headers()
        if self.command!='HEAD' and code not in(304,204): self.wfile.write(body)
    def handle_any(self):
        n=int(self.headers.get('Content-Length') or 0); body=self.rfile.read(n)
        if (self.headers.get('Transfer-Encoding') or '')=='chunked':
            while True:
                l=int(self.rfile.readline(),16); c=self.rfile.read(l); self.rfile.readline(); body+=c
                if l==0: break
        p=self.path.split('?')[0]
        if p=='/echo':
            headers={k.lower():v for k,v in self.headers.items() if k.lower() not in ('accept','connection','content-length')}
            boundary=re.search('boundary="([^"]*)"',headers.get('content-type',''))
            answer=json.dumps({'method':self.command,'headers':headers,'body':body.decode('latin1'),'path':self.path},sort_keys=True)
            if boundary: answer=answer.replace(boundary[1],'BOUNDARY')
            return self.send(200,answer.encode(),'application/json')
        if p.startswith('/status/'): return self.send(int(p.split('/')[2]),b'status body')
        if p.startswith('/redir/'):
            return self.send(int(p.split('/')[2]),b'',Location=self.path.split('to=')[1] if 'to=' in self.path else '/echo')
        if p=='/loop': return self.send(302,b'',Location='/loop')
        if p=='/auth':
            want='Basic '+base64.b64encode(b'user:Pa55word').decode()
            if self.headers.get('Authorization')!=want: return self.send(401,b'no',WWW_Authenticate='Basic realm="x"')
            return self.send(200,b'in')
        if p=='/digest':
            a=self.headers.get('Authorization')
            if not a or not a.startswith('Digest'): return self.send(401,b'no',WWW_Authenticate='Digest realm="x", nonce="abc", qop="auth", algorithm=MD5')
            given=dict(re.findall(r'(\w+)="?([^",]*)"?',a))
            md5=lambda text: hashlib.md5(text.encode()).hexdigest()
            first=md5('user:x:Pa55word'); second=md5(self.command+':/digest')
            right=md5(':'.join([first,'abc',given['nc'],given['cnonce'],'auth',second]))
            return self.send(200 if given['response']==right else 403,b'in')
        if p=='/cookie': return self.send(200,b'c',Set_Cookie=['a=1; Path=/','b="x y"; Path=/; HttpOnly'])
        if p=='/multi': return self.send(200,b'c',X_Two=['1','2'],X_One='3')
        if p=='/badjson': return self.send(200,b'{nope','application/json')
        if p=='/json2': return self.send(200,b'[1,2]','application/vnd.api+json; charset=utf-8')
        if p=='/latin': return self.send(200,'é'.encode('latin1'),'text/plain; charset=iso-8859-1')
        if p=='/gz': return self.send(200,gzip.compress(b'zipped text'),Content_Encoding='gzip')
        if p=='/slow': time.sleep(3); return self.send(200,b'slow')
        if p=='/named': return self.send(200,b'named',Content_Disposition='attachment; filename="named.bin"')
        if p=='/sums': return self.send(200,(hashlib.sha256(FILES['/f.txt']).hexdigest()+'  f.txt\n'+hashlib.sha256(b'x').hexdigest()+' *other\n').encode())
        if p=='/sum1': return self.send(200,hashlib.sha256(FILES['/f.txt']).hexdigest().encode())
        if p in FILES:
            if self.headers.get('If-Modified-Since') and not 'force' in self.path:
                if email.utils.mktime_tz(email.utils.parsedate_tz(self.headers['If-Modified-Since']))>=email.utils.mktime_tz(email.utils.parsedate_tz(MTIME)): return self.send(304)
            return self.send(200,FILES[p],Last_Modified=MTIME)
        if p=='/nolm': return self.send(200,b'nolm')
        self.send(404,b'nothing here')
    do_GET=do_POST=do_PUT=do_DELETE=do_HEAD=do_PATCH=do_OPTIONS=handle_any
class S(socketserver.ThreadingMixIn,http.server.HTTPServer): daemon_threads=True
S(('127.0.0.1',int(sys.argv[1])),H).serve_forever()
