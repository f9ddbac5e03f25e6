//! What to tell a web server that takes browsers in before the service, which speaks no TLS itself. In the servers' own
//! words, each line with why.

/// How the board of the users of `host` is brought to their browsers.
pub fn configuration(host: &str) -> String {
    let board = format!("board.{host}");
    format!(
        r#"To show the board in browsers, set web.listen and web.url in the configuration, and put one of these before it.

nginx: a file in /etc/nginx/conf.d, then: nginx -t && systemctl reload nginx
    # Links and tokens stand in these addresses, so they are not logged.
    map $uri $neerc_is_logged {{ default 1; "~^/(l|wall)/" 0; }}
    server {{
        # A browser opens six connections to a host, and HTTP/2 has them share one: many tabs work at once.
        listen 443 ssl http2;
        server_name {board};
        ssl_certificate /etc/letsencrypt/live/{board}/fullchain.pem;
        ssl_certificate_key /etc/letsencrypt/live/{board}/privkey.pem;
        access_log /var/log/nginx/neerc.log combined if=$neerc_is_logged;
        location / {{
            proxy_pass http://127.0.0.1:8080;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            # From where somebody logs in is told them in the chat.
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}

Caddy: in the Caddyfile, then: systemctl reload caddy
    {board} {{
        reverse_proxy 127.0.0.1:8080
    }}

Monitoring (operations.listen) is not for browsers: leave its port out of both.
"#
    )
}
