// SPDX-License-Identifier: Apache-2.0
// Owns the start and the end of the lab's hawkBit: its management and device APIs in one process, without the web UI.
package hagent.lab;

import java.io.File;
import java.io.IOException;
import org.eclipse.hawkbit.autoconfigure.security.EnableHawkbitManagedSecurityConfiguration;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.context.WebServerPortFileWriter;

@SpringBootApplication
@EnableHawkbitManagedSecurityConfiguration
public class HawkbitServer {
    public static void main(final String[] arguments) {
        final Thread watcher = new Thread(HawkbitServer::endWithStarter, "starter-watch");
        watcher.setDaemon(true);
        watcher.start();
        final SpringApplication application = new SpringApplication(HawkbitServer.class);
        // The port is the system's choice (server.port=0); whoever started us reads it from this file.
        application.addListeners(new WebServerPortFileWriter(new File("port")));
        application.run(arguments);
    }

    // Standard input is a pipe from the starter: its end means that the starter is gone, even by kill -9.
    private static void endWithStarter() {
        try {
            while (System.in.read() >= 0) {
                continue;
            }
        } catch (final IOException closed) {
            System.err.println("standard input failed: " + closed);
        }
        System.exit(0);
    }
}
