import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.ingest.common.IngestCommonPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.script.mustache.MustachePlugin;
import org.opensearch.transport.Netty4Plugin;

/**
 * A single node of OpenSearch on 127.0.0.1, with its modules from the class path instead of a distribution.
 * Arguments: the folder of its data, the port of HTTP, the port of its transport.
 */
public final class OpenSearchNode extends Node {
  private static final List<Class<? extends Plugin>> MODULES =
      List.of(
          Netty4Plugin.class,
          CommonAnalysisPlugin.class,
          PainlessPlugin.class,
          MustachePlugin.class,
          IngestCommonPlugin.class);

  private OpenSearchNode(Environment environment, Collection<Class<? extends Plugin>> modules) {
    super(environment, modules, true);
  }

  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]).toAbsolutePath();
    Path config = Files.createDirectories(home.resolve("config"));
    Settings settings =
        Settings.builder()
            .put("path.home", home.toString())
            .put("cluster.name", "ppuri-logs")
            .put("node.name", "logs")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[1])
            .put("transport.port", arguments[2])
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            // Mapping files into memory needs a kernel setting that only root can change.
            .put("node.store.allow_mmap", false)
            // The disk of a developer or of CI is fuller than a server's.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
    Node node = new OpenSearchNode(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "logs"), MODULES);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    Thread.currentThread().join();
  }

  private static void close(Node node) {
    try {
      node.close();
    } catch (Exception failure) {
      failure.printStackTrace();
    }
  }
}
