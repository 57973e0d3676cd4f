//! A user agent for launchd. Nobody has run it yet: the file says so itself.

use super::Facts;

/// The property list.
pub(super) fn agent(facts: &Facts) -> String {
    let (program, home) = (text(&facts.program), text(&facts.home));
    format!(
        "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<!-- UNTESTED: no macOS was at hand when this was written; tell us how it goes.
     A Weft node. To install it, save this as ~/Library/LaunchAgents/weft.node.plist and run
     launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/weft.node.plist
     launchd limits neither memory nor cores of a service; the node keeps its own caps for jobs. -->
<plist version=\"1.0\">
<dict>
    <key>Label</key>
    <string>weft.node</string>
    <key>ProgramArguments</key>
    <array>
        <string>{program}</string>
        <string>--home</string>
        <string>{home}</string>
        <string>start</string>
    </array>
    <key>RunAtLoad</key>
    <true/>
    <key>KeepAlive</key>
    <dict>
        <key>SuccessfulExit</key>
        <false/>
    </dict>
    <key>ThrottleInterval</key>
    <integer>10</integer>
    <key>ExitTimeOut</key>
    <integer>10</integer>
    <key>ProcessType</key>
    <string>Background</string>
    <key>LowPriorityIO</key>
    <true/>
    <key>Umask</key>
    <integer>63</integer>
    <key>StandardOutPath</key>
    <string>{home}/daemon.log</string>
    <key>StandardErrorPath</key>
    <string>{home}/daemon.log</string>
</dict>
</plist>
"
    )
}

/// Text between two tags.
fn text(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_and_the_file_says_that_it_is_untested() {
        let agent = agent(&Facts::odd());
        assert!(agent.contains("<string>/srv/a \"home\" &amp; &lt;more&gt;/$HOME</string>"));
        assert!(agent.contains("UNTESTED"));
        let comment = agent
            .split("<!--")
            .nth(1)
            .and_then(|c| c.split("-->").next());
        assert!(comment.is_some_and(|c| !c.contains("--")), "XML forbids it");
    }
}
