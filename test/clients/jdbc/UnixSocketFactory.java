import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import javax.net.SocketFactory;

/** Connects to the server's socket in a directory, which the driver itself cannot. */
public class UnixSocketFactory extends SocketFactory {
  private final String path;

  public UnixSocketFactory(String path) {
    this.path = path;
  }

  @Override
  public Socket createSocket() throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));

    return new Socket() {
      @Override
      public void connect(SocketAddress address, int timeout) {}

      @Override
      public boolean isConnected() {
        return channel.isConnected();
      }

      @Override
      public InputStream getInputStream() {
        return new InputStream() {
          @Override
          public int read() throws IOException {
            byte[] one = new byte[1];

            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
          }

          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            return channel.read(ByteBuffer.wrap(bytes, offset, length));
          }
        };
      }

      @Override
      public OutputStream getOutputStream() {
        return new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] bytes, int offset, int length) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);

            while (buffer.hasRemaining())
              channel.write(buffer);
          }
        };
      }

      @Override
      public void setTcpNoDelay(boolean on) {}

      @Override
      public void setKeepAlive(boolean on) {}

      @Override
      public synchronized void setSoTimeout(int timeout) {}

      @Override
      public synchronized int getSoTimeout() {
        return 0;
      }

      @Override
      public synchronized void close() throws IOException {
        channel.close();
      }
    };
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int fromPort) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort) throws IOException {
    return createSocket();
  }
}
